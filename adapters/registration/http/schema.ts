import { z } from 'zod';
import { fieldPath } from '../../../src/lib/field-path.ts';
import { canonicalIp, ipVersion, isEveryAddress } from '../../../src/lib/ip.ts';
import { isProxyPort } from '../../../src/model/proxy.ts';
import type { Protocol } from '../../../src/model/service.ts';
import type { Instance, InstanceKey, Registration, RegistrationState } from '../contract.ts';

/** Invalid field, with its path in the body or its name in the URL. */
export interface FieldProblem {
  readonly field: string;
  readonly message: string;
}

const protocols = ['http', 'http2', 'grpc', 'grpc-web', 'https', 'tls', 'tcp', 'udp', 'unknown'] as const;

const protocol = z
  .string()
  .transform((text) => text.toLowerCase())
  .pipe(z.enum(protocols, { error: `must be one of ${protocols.join(', ')}` })) satisfies z.ZodType<Protocol>;

const portNumber = z
  .int()
  .min(1, 'must be 1 to 65535')
  .max(65_535, 'must be 1 to 65535')
  .refine((number) => !isProxyPort(number), 'is a port of the sidecars themselves');

const port = z.strictObject({
  name: z.string().min(1, 'a port needs a name').max(63),
  port: portNumber,
  protocol: protocol.default('unknown'),
  servicePort: portNumber.optional(),
  sidecarPort: portNumber.optional(),
});

/** Schema of an IP address, in canonical form. */
export const address = z
  .string()
  .refine((text) => ipVersion(text) !== 0 && !isEveryAddress(text), { error: 'must be an IP address' })
  .transform(canonicalIp);

/** Schema of the length of a lease in seconds. */
export const lease = z.number().min(1, 'must be 1 or more').max(86_400);

const fields = {
  address,
  ports: z.array(port).min(1, 'at least one port').max(256).superRefine(checkPorts),
  labels: z.record(z.string().min(1), z.string()).default({}),
  weight: z.int().min(1, 'must be 1 or more').max(1_000_000).default(1),
  locality: z.string().max(256).default(''),
  vips: z.array(address).max(16, 'must be 16 at most').default([]),
  ttlSeconds: lease.optional(),
  registry: z.string().min(1).max(253).optional(),
};

/** Finds fields that only an instance with a registry may have. */
function checkRegistry(
  { registry, ports }: { readonly registry?: string | undefined; readonly ports: readonly z.infer<typeof port>[] },
  context: z.RefinementCtx,
): void {
  if (registry !== undefined) return;
  for (const [index, { sidecarPort }] of ports.entries()) {
    const path = ['ports', index, 'sidecarPort'];
    if (sidecarPort !== undefined) context.addIssue({ code: 'custom', path, message: 'needs a registry' });
  }
}

function checkPorts(ports: readonly z.infer<typeof port>[], context: z.RefinementCtx): void {
  const known = new Set<string | number>();
  for (const [index, { name, port: own, servicePort }] of ports.entries()) {
    const number = servicePort ?? own;
    const complain = (field: string, message: string) =>
      context.addIssue({ code: 'custom', path: [index, field], message });
    if (known.has(name)) complain('name', `'${name}' is used twice`);
    if (known.has(number)) complain(servicePort === undefined ? 'port' : 'servicePort', `${number} is used twice`);
    known.add(name).add(number);
  }
}

/** Schema of the body of a PUT of one instance. */
export const instanceBody = z.strictObject(fields).superRefine(checkRegistry);
export type InstanceBody = z.infer<typeof instanceBody>;

const key = { namespace: z.string(), host: z.string(), id: z.string() };

/** Schema of a batch, which is applied completely or not at all. */
export const batchBody = z.strictObject({
  put: z
    .array(z.strictObject({ ...key, ...fields }).superRefine(checkRegistry))
    .max(10_000)
    .default([]),
  delete: z.array(z.strictObject(key)).max(10_000).default([]),
});

export function toRegistration(instance: InstanceKey, body: InstanceBody): Registration {
  return {
    ...instance,
    address: body.address,
    ports: body.ports.map(({ servicePort, sidecarPort, ...rest }) => ({
      ...rest,
      servicePort: servicePort ?? null,
      ...(sidecarPort === undefined ? {} : { sidecarPort }),
    })),
    labels: body.labels,
    weight: body.weight,
    locality: body.locality,
    ttlSeconds: body.ttlSeconds ?? null,
    ...(body.vips.length === 0 ? {} : { vips: body.vips }),
    ...(body.registry === undefined ? {} : { registry: body.registry }),
  };
}

/**
 * Renders an instance for the API: the fields that were written, times in ISO 8601, and its state in its registry if it
 * goes into one.
 */
export function describeInstance(instance: Instance, state: RegistrationState | null = null): object {
  const { registeredAtMs, expiresAtMs, ports, ...rest } = instance;
  return {
    ...rest,
    ports: ports.map(({ servicePort, ...own }) => (servicePort === null ? own : { ...own, servicePort })),
    registeredAt: new Date(registeredAtMs).toISOString(),
    expiresAt: new Date(expiresAtMs).toISOString(),
    ...(state === null ? {} : { registration: describeState(state) }),
  };
}

/** Renders a state: `pending`, `registered` or `failed`, with the reason if there is one. */
export const describeState = (state: RegistrationState): object => ({
  state: state.type,
  ...(state.type === 'registered' || state.reason === null ? {} : { reason: state.reason }),
});

const label = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';
const namespacePattern = new RegExp(`^${label}$`);
const hostPattern = new RegExp(`^${label}(\\.${label})*$`);
/** Registries name services by other rules: templates write `_` for what DNS names cannot have. */
const registryHostPattern = /^[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?(\.[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?)*$/;
const idPattern = /^[A-Za-z0-9][A-Za-z0-9._:~-]{0,252}$/;

/** Finds mistakes in the names of a URL or of a batch item. `goesElsewhere`: the instance goes into a registry. */
export function keyProblems({ namespace, host, id }: InstanceKey, goesElsewhere: boolean): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (!namespacePattern.test(namespace)) {
    problems.push({ field: 'namespace', message: 'must be a DNS label: lower-case letters, digits and dashes' });
  }
  if (host.length > 253 || !(goesElsewhere ? registryHostPattern : hostPattern).test(host)) {
    problems.push({ field: 'host', message: 'must be a hostname such as orders.shop.example' });
  }
  if (!idPattern.test(id)) {
    problems.push({
      field: 'id',
      message: 'must be 1 to 253 letters, digits and . _ : ~ -, beginning with a letter or digit',
    });
  }
  return problems;
}

/**
 * Lists problems with the path of each field, `ports[0].port` for example. An unknown field is listed under its own
 * name.
 */
export const fieldProblems = (error: z.ZodError): readonly FieldProblem[] =>
  error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((name) => ({
          field: fieldPath('', [...issue.path, name]),
          message: 'is not a field of this object',
        }))
      : [{ field: fieldPath('', issue.path), message: issue.message }],
  );
