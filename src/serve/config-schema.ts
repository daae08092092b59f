import { z } from 'zod';
import { defaultClientLimits } from '../push/client-limits.ts';
import { defaultAccess } from '../push/client-status/access.ts';
import { defaultLimits, heldForLargest } from '../rpc/limits.ts';
import { meshConfigSchema } from '../rules/mesh-config.ts';
import { defaultNodeLimits } from '../xds/wire/node-limits.ts';

/** From much to little. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const;

export type LogLevel = (typeof logLevels)[number];

/** A place to listen at or to connect to. */
export interface Address {
  /** An IP address or a name, without brackets. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

const addressForm = 'must be host:port, such as 127.0.0.1:15010 or [::1]:15010';

/** `host:port` as text. */
export const addressSchema = z.string(addressForm).transform((text, context): Address => {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    context.addIssue({ code: 'custom', message: `${addressForm}, not "${text}"` });
    return z.NEVER;
  }
  return { host: match[1] ?? match[2] ?? '', port };
});

const adapterName = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'must be lower-case letters, digits and "-"');

/** One entry of `adapters`. What is not named here is the adapter's own to check. */
const adapterSchema = z.looseObject({
  type: z.string().min(1),
  name: adapterName.optional(),
  required: z.boolean().default(true),
  syncTimeoutSeconds: z.number().positive().default(30),
});

const file = z.string().min(1);

/** `xds.tls`. Clients are asked for certificates when there are CAs to check them with, and then must have one unless told. */
const xdsTlsSchema = z
  .strictObject({
    address: addressSchema.prefault('127.0.0.1:15012'),
    certFile: file,
    keyFile: file,
    clientCaFile: file.optional(),
    requireClientCert: z.boolean().optional(),
  })
  .refine((tls) => tls.requireClientCert !== true || tls.clientCaFile !== undefined, {
    path: ['requireClientCert'],
    message: 'needs clientCaFile: the CAs that sign certificates of clients',
  });

const many = z.int().min(1);
const seconds = z.number().positive().max(31_536_000, 'must be a year at most');

/** Bytes: a kibibyte to a gibibyte. */
const bytes = z.int().min(1_024).max(1_073_741_824);

/**
 * `xds.limits`. What is left out is as src/rpc/limits.ts has it. Connections are counted for each listener, the rest
 * for the process.
 */
const xdsLimitsSchema = z.strictObject({
  maxConnections: many.optional(),
  maxConnectionsPerPeer: many.optional(),
  maxStreams: many.optional(),
  maxStreamsPerPeer: many.optional(),
  maxStreamsPerConnection: many.optional(),
  /** Ten times as many may come at once, as with all that is counted by the second. */
  maxCallsPerSecondPerPeer: many.optional(),
  maxRequestsPerSecondPerPeer: many.optional(),
  maxLogLinesPerSecondPerPeer: many.optional(),
  /** Twice as much has to fit into what may be held. */
  maxMessageBytes: bytes.max(268_435_456).optional(),
  /** Messages that are not whole, are being decompressed, or wait for their handler. */
  maxHeldBytes: bytes.optional(),
  maxHeldBytesPerPeer: bytes.optional(),
  maxHeldBytesPerConnection: bytes.optional(),
  /** In this time a call must have brought its request. */
  requestTimeoutSeconds: seconds.optional(),
  /** Connections are asked to leave at this age, ± 10 %, so that clients spread over replicas; never if left out. */
  maxConnectionAgeSeconds: seconds.optional(),
  maxConnectionAgeGraceSeconds: seconds.optional(),
  keepaliveIntervalSeconds: seconds.optional(),
  keepaliveTimeoutSeconds: seconds.optional(),
  /** In this time a client must read what waits for it. */
  drainTimeoutSeconds: seconds.optional(),
  /** Bounds of a node, which is kept while its stream lasts: src/xds/wire/node-limits.ts. */
  maxNodeLabels: many.default(defaultNodeLimits.maxNodeLabels),
  maxNodeFieldBytes: many.default(defaultNodeLimits.maxNodeFieldBytes),
  maxNodeBytes: many.default(defaultNodeLimits.maxNodeBytes),
  /** Bounds for one client, or one peer: src/push/client-limits.ts. */
  maxNamesPerType: many.default(defaultClientLimits.maxNamesPerType),
  maxScopesPerPeer: many.default(defaultClientLimits.maxScopesPerPeer),
});

/** A message of the largest size, which is allowed, has to fit into what may be held: nobody could ever send one. */
function refuseWhatNeverFits(
  limits: { readonly [Key in 'maxMessageBytes' | HeldKey]?: number | undefined },
  context: z.RefinementCtx,
): void {
  const largest = limits.maxMessageBytes ?? defaultLimits.maxReceiveBytes;
  const needed = heldForLargest(largest);
  for (const key of heldKeys) {
    const held = limits[key] ?? defaultLimits[key];
    if (held >= needed) continue;
    const message = `is ${held}, but a message of maxMessageBytes (${largest}) holds up to ${needed} bytes while it is decompressed: raise this to ${needed} at least, or lower maxMessageBytes`;
    context.addIssue({ code: 'custom', path: [key], message });
  }
}

type HeldKey = (typeof heldKeys)[number];
const heldKeys = ['maxHeldBytes', 'maxHeldBytesPerPeer', 'maxHeldBytesPerConnection'] as const;

/** `xds.clientStatus`: clients that may ask CSDS what all clients have. */
const clientStatusSchema = z.strictObject({
  loopback: z.boolean().default(defaultAccess.loopback),
  identities: z
    .array(z.string().regex(/^spiffe:\/\/[^*]+\*?$/, 'must be a SPIFFE ID, or the beginning of some and "*"'))
    .default([]),
});

/** `xds.auth`: who sidecars are, by the service account tokens that a cluster's API server reviews. */
const xdsAuthSchema = z.strictObject({
  type: z.literal('kubernetes').describe('service account tokens, which an API server reviews'),
  kubeconfig: file
    .optional()
    .describe(
      'kubeconfig file of the cluster whose API server reviews tokens; left out: that of the cluster around this process',
    ),
  context: z.string().min(1).optional().describe('context of that file; left out: its current one'),
  audiences: z
    .array(z.string().min(1))
    .min(1)
    .default(['binnacle', 'istio-ca'])
    .describe('audiences of which a token must have one'),
  allowPlaintext: z
    .boolean()
    .default(false)
    .describe('accepts tokens without TLS from other machines; who reads the traffic can use them'),
  allowTokensWithoutPod: z
    .boolean()
    .default(false)
    .describe('accepts tokens that are bound to no pod; their nodes need to match the namespace only'),
});

/** A further name of the server, for `Host` and `Origin`: a name, `*.example.com`, or `*` for any. */
const hostName = z
  .string()
  .max(253)
  .regex(
    /^(\*|(\*\.)?[A-Za-z0-9_]([-A-Za-z0-9._]*[A-Za-z0-9_])?)$/,
    'must be a name, *.example.com or *, without a port',
  );

/** `http.tls`. Clients are asked for certificates when there are CAs to check them with; the access file says whose count. */
const httpTlsSchema = z.strictObject({ certFile: file, keyFile: file, clientCaFile: file.optional() });

const httpSchema = z.strictObject({
  address: addressSchema.prefault('127.0.0.1:8080'),
  allowedHosts: z.array(hostName).default([]),
  tls: httpTlsSchema.optional(),
  /** The file of identities and their permissions (src/security/access). */
  accessFile: file.optional(),
  /** Lets anybody who reaches it do everything. */
  insecure: z.boolean().default(false),
});

const ms = (fallback: number) => z.number().int().min(0).max(600_000).default(fallback);

/** A namespace, which may end in `*`; a hostname, `*.example.com` or `*`. */
const guestPattern = /^([a-z0-9][-a-z0-9]*\*?|\*)\/(\*|(\*\.)?[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?)$/;

/** binnacle.yaml. Strict: an unknown key is an error. */
export const configFileSchema = z.strictObject({
  /** An address alone stands for `{ address }`. */
  http: z.preprocess((http) => (typeof http === 'string' ? { address: http } : http), httpSchema.prefault({})),
  xds: z
    .strictObject({
      plaintext: addressSchema.prefault('127.0.0.1:15010'),
      tls: xdsTlsSchema.optional(),
      /** A type alone stands for `{ type }`. */
      auth: z
        .preprocess((auth) => (typeof auth === 'string' ? { type: auth } : auth), xdsAuthSchema.optional())
        .optional(),
      limits: xdsLimitsSchema.superRefine(refuseWhatNeverFits).prefault({}),
      clientStatus: clientStatusSchema.prefault({}),
    })
    .prefault({}),
  store: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.literal('sqlite'), path: z.string().min(1).optional() }),
      z.strictObject({ type: z.literal('memory') }),
    ])
    .default({ type: 'sqlite' }),
  adapters: z.array(adapterSchema).default([{ type: 'registration', required: true, syncTimeoutSeconds: 30 }]),
  /** Instances may register for these although another adapter defines them: `namespace/host`, with wildcards. */
  registration: z
    .strictObject({
      allow: z
        .array(z.string().regex(guestPattern, 'must be namespace/host, such as shop/orders.example, shop/* or */*'))
        .default([]),
    })
    .prefault({}),
  mesh: meshConfigSchema.prefault({}),
  /** The last part of Kubernetes hostnames: `reviews.default.svc.cluster.local`. Not the trust domain of identities. */
  domainSuffix: z.string().min(1).default('cluster.local'),
  push: z.strictObject({ endpointQuietMs: ms(0), quietMs: ms(20), maxMs: ms(1000) }).prefault({}),
  dataDir: z.string().min(1).default('.binnacle'),
  logLevel: z.enum(logLevels).default('info'),
});

export type ConfigFile = z.output<typeof configFileSchema>;
