import { z } from 'zod';
import { orNull } from '../../fields.ts';

const schemes = ['http', 'https', 'file', 'oci'];

/** Fields that WasmPlugin and TrafficExtension share: a Wasm module and how to run it. */
export const wasmFields = {
  url: z
    .string()
    .min(1, 'must say where the module is')
    .refine(
      isModuleUrl,
      'must be an address with http, https, file or oci, or an image such as registry.example/plugin:v1',
    )
    .describe('location of the module: an image of a registry (the default), http(s) or a file of the proxy'),
  sha256: z
    .string()
    .regex(/^$|^[a-f0-9]{64}$/, 'must be 64 hexadecimal digits in lower case')
    .optional()
    .describe('checksum that the module or image must have'),
  imagePullPolicy: z
    .enum(['UNSPECIFIED_POLICY', 'IfNotPresent', 'Always'])
    .optional()
    .describe('whether to fetch the module again after the first time'),
  imagePullSecret: z
    .string()
    .min(1)
    .max(253)
    .optional()
    .describe('secret of the same namespace with the credentials for the registry'),
  verificationKey: z.string().optional().describe('public key that the image must be signed with'),
  pluginConfig: z.record(z.string(), z.unknown()).optional().describe('configuration of the module, of any form'),
  pluginName: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe('name by which the module finds its code; formerly root id'),
  failStrategy: z
    .enum(['FAIL_CLOSE', 'FAIL_OPEN', 'FAIL_RELOAD'])
    .optional()
    .describe('traffic handling when the module fails: reject (default), let through, or restart the module'),
  vmConfig: z
    .strictObject({ env: environment().optional().describe('environment variables of the module') })
    .optional()
    .describe('virtual machine of the module'),
  type: z
    .enum(['UNSPECIFIED_PLUGIN_TYPE', 'HTTP', 'NETWORK'])
    .optional()
    .describe('whether it is an HTTP filter (default) or a network filter'),
};

/** Traffic that an extension processes: one of the items must match. */
export const trafficMatch = z.array(
  z.strictObject({
    mode: z
      .enum(['UNDEFINED', 'CLIENT', 'SERVER', 'CLIENT_AND_SERVER'])
      .optional()
      .describe('traffic that the workload sends, receives, or both (default)'),
    ports: z
      .array(z.strictObject({ number: z.int().min(1).max(65_535).describe('a port, 1 to 65535') }))
      .superRefine((ports, context) => reportTwice(ports, 'number', context))
      .optional()
      .describe('destination ports; all if left out'),
  }),
);

/** Order within a phase, highest first. */
export const extensionPriority = orNull(z.int32()).describe('order within a phase, highest first; 0 if left out');

function environment() {
  return z
    .array(
      z
        .strictObject({
          name: z.string().min(1).max(256).describe('name of the variable'),
          valueFrom: z
            .enum(['INLINE', 'HOST'])
            .optional()
            .describe('source: value (default), or the environment of the proxy'),
          value: z.string().max(2_048).optional().describe('the value, unless the source is the proxy'),
        })
        .refine(({ valueFrom, value }) => valueFrom !== 'HOST' || value === undefined, {
          path: ['value'],
          error: 'must be left out with valueFrom HOST, which takes it from the proxy',
        }),
    )
    .max(256, 'must be at most 256 variables')
    .superRefine((variables, context) => reportTwice(variables, 'name', context));
}

/** Returns whether a text is a module's URL. Without a scheme it names an image, and must be valid after `http://`. */
function isModuleUrl(text: string): boolean {
  if (/\s/.test(text)) return false;
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1];
  if (scheme !== undefined && !schemes.includes(scheme.toLowerCase())) return false;
  return URL.canParse(scheme === undefined ? `http://${text}` : text);
}

function reportTwice<Field extends string>(
  items: readonly Readonly<Record<Field, string | number>>[],
  field: Field,
  context: z.RefinementCtx,
): void {
  const seen = new Set<string | number>();
  for (const [index, item] of items.entries()) {
    if (seen.has(item[field])) {
      context.addIssue({ code: 'custom', path: [index, field], message: `occurs twice: ${item[field]}` });
    }
    seen.add(item[field]);
  }
}
