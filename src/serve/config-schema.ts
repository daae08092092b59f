import { z } from 'zod';
import { defaultAccess } from '../push/client-status/access.ts';
import { meshConfigSchema } from '../rules/mesh-config.ts';
import {
  adapterName,
  addressSchema,
  hostName,
  milliseconds,
  namespacedHost,
  path,
  seconds,
  spiffeIds,
} from './config-fields.ts';
import { xdsLimitsSchema } from './xds-limits.ts';

/*
 * Schema of binnacle.yaml. The reference in docs/configuration.md is generated from it (`npm run reference`).
 * `describe` has the text for a key, and `flag` the name of its flag. An object with a description is a section of the
 * reference.
 */

/** Levels from the most to the least verbose. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const;

export type LogLevel = (typeof logLevels)[number];

const certFile = path.describe("the server's certificate, then the intermediate certificates up to its root");
const keyFile = path.describe('its private key');
const clientCaFile = path
  .optional()
  .describe('the CAs that sign client certificates; without it, the server requests none');

/** Schema of `http.tls`. The access file grants roles to certificates. */
const httpTlsSchema = z
  .strictObject({ certFile, keyFile, clientCaFile })
  .describe('HTTP over TLS; off without this key. The files are PEM and are reloaded when they change.');

const httpSchema = z
  .strictObject({
    address: addressSchema
      .prefault('127.0.0.1:8080')
      .meta({ flag: 'http' })
      .describe('address of HTTP; `http: ADDRESS` is short for it'),
    allowedHosts: z
      .array(hostName)
      .default([])
      .describe('further names of the server, accepted in `Host` and `Origin`'),
    tls: httpTlsSchema.optional(),
    accessFile: path
      .optional()
      .meta({ flag: 'access-file' })
      .describe('tokens and certificates with their roles; reloaded when it changes'),
    insecure: z
      .boolean()
      .default(false)
      .meta({ flag: 'insecure' })
      .describe('serve HTTP on any address without an access file: everyone who reaches it may do everything'),
  })
  .describe(
    'Rules, registration, debug views, `/metrics`, `/healthz` and `/readyz`. Operations explains [the permissions](operations.md#access-to-http).',
  );

/** Schema of `xds.tls`. With CAs for clients, a certificate is required unless the file disables that. */
const xdsTlsSchema = z
  .strictObject({
    address: addressSchema.prefault('127.0.0.1:15012').meta({ flag: 'xds-tls' }).describe('address of xDS over TLS'),
    certFile,
    keyFile,
    clientCaFile,
    requireClientCert: z
      .boolean()
      .optional()
      .describe('reject clients without a certificate; by default true with `clientCaFile`'),
  })
  .refine((tls) => tls.requireClientCert !== true || tls.clientCaFile !== undefined, {
    path: ['requireClientCert'],
    message: 'needs clientCaFile: the CAs that sign certificates of clients',
  })
  .describe('xDS over TLS; off without this key. The files are PEM and are reloaded when they change.');

/** Schema of `xds.clientStatus`: clients that may request the configuration of all clients by CSDS. */
const clientStatusSchema = z
  .strictObject({
    loopback: z.boolean().default(defaultAccess.loopback).describe('allow clients on this machine'),
    identities: z.array(spiffeIds).default([]).describe('allow clients with these identities'),
  })
  .describe(
    'Clients that may call CSDS, which shows the configuration of every client. Identities are SPIFFE IDs of client certificates.',
  );

/** Schema of `xds.auth`. */
const xdsAuthSchema = z
  .strictObject({
    type: z.literal('kubernetes').describe('streams need a service account token, which an API server reviews'),
    kubeconfig: path
      .optional()
      .describe(
        'kubeconfig of the cluster that reviews tokens; without it, the service account of the Pod, else `KUBECONFIG`',
      ),
    context: z.string().min(1).optional().describe('context of that file; without it, the current one'),
    audiences: z
      .array(z.string().min(1))
      .min(1)
      .default(['binnacle', 'istio-ca'])
      .describe('accepted audiences; a token must have one of them'),
    allowPlaintext: z
      .boolean()
      .default(false)
      .describe('accept tokens without TLS from other machines; everyone who can read the traffic can use them'),
    allowTokensWithoutPod: z
      .boolean()
      .default(false)
      .describe('accept tokens that are not bound to a pod; for these only the namespace of the node must match'),
  })
  .describe(
    'Authentication of sidecars; off without this key. `auth: kubernetes` is short for `auth: { type: kubernetes }`. Operations explains [how tokens are checked](operations.md#tokens-of-sidecars).',
  );

const xdsSchema = z
  .strictObject({
    plaintext: addressSchema.prefault('127.0.0.1:15010').meta({ flag: 'xds' }).describe('address of xDS without TLS'),
    tls: xdsTlsSchema.optional(),
    auth: z
      .preprocess((auth) => (typeof auth === 'string' ? { type: auth } : auth), xdsAuthSchema.optional())
      .optional(),
    limits: xdsLimitsSchema.prefault({}),
    clientStatus: clientStatusSchema.prefault({}),
  })
  .describe('Discovery for sidecars and other clients.');

const storeSchema = z
  .discriminatedUnion('type', [
    z.strictObject({
      type: z
        .literal('sqlite')
        .describe('`memory` loses all rules of the API when the process ends; `kubernetes` stores them in a cluster'),
      path: path.optional().describe('the database of `sqlite`; by default `rules.db` in `dataDir`'),
    }),
    z.strictObject({ type: z.literal('memory') }),
    z.strictObject({
      type: z.literal('kubernetes'),
      kubeconfig: path
        .optional()
        .describe(
          'kubeconfig of the cluster of `kubernetes`; without it, the service account of the Pod, else `KUBECONFIG`',
        ),
      context: z.string().min(1).optional().describe('context of that file; without it, the current one'),
      syncTimeoutSeconds: seconds
        .default(30)
        .describe('time of `kubernetes` to list the rules; then those of the earlier run are served'),
      reconcileSeconds: seconds
        .default(300)
        .describe("interval of comparisons of the API server's lists with what was received"),
      status: z
        .boolean()
        .default(true)
        .describe('whether one replica, which a Lease elects, writes the status of rules to `kubernetes`'),
      leaseNamespace: z
        .string()
        .min(1)
        .optional()
        .describe('namespace of the Lease `binnacle-status`; that of the Pod, else `default`'),
    }),
  ])
  .default({ type: 'sqlite' })
  .describe(
    'The store of the rules written over the API. [Rules in the cluster](kubernetes.md#rules-in-the-cluster) explains `kubernetes`.',
  );

/** `webhook`. */
const webhookSchema = z
  .strictObject({
    address: addressSchema.prefault('127.0.0.1:15017').describe('where the webhook is served'),
    certFile,
    keyFile,
    clientCaFile: path
      .optional()
      .describe('the CAs that sign the certificate of the API server; without it, everybody may ask for a review'),
  })
  .describe(
    'The validating webhook of a cluster, `POST /validate` over TLS; off without this key. The files are PEM, read again when they change. See [Kubernetes](kubernetes.md#webhook).',
  );

/** Schema of an entry of `adapters`. The adapter's own schema checks the other keys. */
const adapterSchema = z
  .looseObject({
    type: z.string().min(1).meta({ form: 'name of an adapter' }).describe('one of the adapters below'),
    name: adapterName.optional().describe('unique; names the shard and its snapshot; by default the type'),
    required: z.boolean().default(true).describe('whether readiness waits for it'),
    syncTimeoutSeconds: z
      .number()
      .positive()
      .default(30)
      .meta({ form: 'seconds' })
      .describe('time to list its platform; after it, the snapshot of the previous run is served'),
  })
  .describe(
    'The list of adapters; by default `[{ type: registration }]`. [Adapters](adapters.md) explains each. `--mesh-dir DIR` (`BINNACLE_MESH_DIR`) adds `{ type: file, name: mesh-dir, path: DIR }`. All adapters have these keys:',
  );

const registrationSchema = z
  .strictObject({
    allow: z.array(namespacedHost).default([]).describe('services of other adapters that instances may join'),
    workloads: z
      .enum(['verified', 'any'])
      .default('verified')
      .describe('sidecars that may register their workload for a WorkloadGroup; `any` trusts the network'),
    graceSeconds: seconds.default(10).describe('time for which such a workload outlives the connection of its sidecar'),
  })
  .describe('[Instances that register themselves](adapters.md#registration) for services of other adapters.');

const mergingSchema = z
  .strictObject({
    oneAdapterOnly: z
      .array(namespacedHost)
      .default([])
      .describe(
        'services that have the endpoints of one adapter only: the first of `adapters` with a callable endpoint; others have those of all',
      ),
  })
  .describe('[Services that several adapters know](adapters.md#one-service-in-several-adapters).');

const pushSchema = z
  .strictObject({
    endpointQuietMs: milliseconds.default(0).describe('time that a change of endpoints waits for further changes'),
    quietMs: milliseconds.default(20).describe('time without changes before rules and services are sent'),
    maxMs: milliseconds.default(1000).describe('maximum time that such a change waits'),
  })
  .describe('When changes are sent.');

/** Schema of binnacle.yaml. Strict: an unknown key is an error. */
export const configFileSchema = z.strictObject({
  http: z.preprocess((http) => (typeof http === 'string' ? { address: http } : http), httpSchema.prefault({})),
  xds: xdsSchema.prefault({}),
  store: storeSchema,
  webhook: webhookSchema.optional(),
  adapters: z.array(adapterSchema).default([{ type: 'registration', required: true, syncTimeoutSeconds: 30 }]),
  registration: registrationSchema.prefault({}),
  merging: mergingSchema.prefault({}),
  mesh: meshConfigSchema.prefault({}),
  domainSuffix: z
    .string()
    .min(1)
    .default('cluster.local')
    .meta({ form: 'domain' })
    .describe('last part of Kubernetes hostnames, which completes short names; it is not the trust domain'),
  push: pushSchema.prefault({}),
  dataDir: path
    .default('.binnacle')
    .meta({ flag: 'data-dir' })
    .describe('directory of the rules database and the snapshots of shards'),
  logLevel: z.enum(logLevels).default('info').meta({ flag: 'log-level' }).describe('minimum severity of log lines'),
});

export type ConfigFile = z.output<typeof configFileSchema>;
