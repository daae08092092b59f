import { z } from 'zod';
import { positiveDuration } from './fields.ts';
import { tcpKeepalive } from './kinds/destination-rule/connection-pool-schema.ts';
import { localityLbSetting } from './kinds/destination-rule/locality-schema.ts';
import { retries } from './kinds/virtual-service/policy-schema.ts';

const text = z.string().min(1);
const exportToDefault = z.array(z.string()).min(1);

const fields = {
  rootNamespace: text.describe('namespace whose rules apply to the whole mesh'),
  trustDomain: text.describe('trust domain of workload identities'),
  outboundMode: z
    .enum(['ALLOW_ANY', 'REGISTRY_ONLY'])
    .describe('ALLOW_ANY allows calls to unknown hosts, REGISTRY_ONLY rejects them'),
  defaultServiceExportTo: exportToDefault.describe('namespaces that see a service without its own setting'),
  defaultVirtualServiceExportTo: exportToDefault.describe(
    'namespaces that see a VirtualService without its own setting',
  ),
  defaultDestinationRuleExportTo: exportToDefault.describe(
    'namespaces that see a DestinationRule without its own setting',
  ),
  connectTimeout: positiveDuration.describe('timeout for connecting to a service'),
  tcpKeepalive: tcpKeepalive.describe('probes on idle connections to services; DestinationRules override each setting'),
  h2UpgradePolicy: z
    .enum(['DO_NOT_UPGRADE', 'UPGRADE'])
    .describe('UPGRADE sends HTTP/1.1 requests to HTTP ports as HTTP/2'),
  localityLbSetting: localityLbSetting.describe('preferred localities, unless a DestinationRule has its own setting'),
  proxyHttpPort: z
    .int()
    .min(0)
    .max(65_535, 'must be 0 to 65535')
    .describe('port of 127.0.0.1 at which sidecars are HTTP proxies for their applications; 0 for none'),
  defaultHttpRetryPolicy: retries.describe(
    'retries of HTTP routes without their own; two for connection failures if left out',
  ),
};

/**
 * The fields of Istio's MeshConfig that this release reads, with Istio's names and defaults. Unknown fields are
 * rejected.
 */
export const meshConfigSchema = z
  .strictObject({
    rootNamespace: fields.rootNamespace.default('istio-system'),
    trustDomain: fields.trustDomain.default('cluster.local'),
    outboundTrafficPolicy: z.strictObject({ mode: fields.outboundMode.default('ALLOW_ANY') }).prefault({}),
    defaultServiceExportTo: fields.defaultServiceExportTo.default(['*']),
    defaultVirtualServiceExportTo: fields.defaultVirtualServiceExportTo.default(['*']),
    defaultDestinationRuleExportTo: fields.defaultDestinationRuleExportTo.default(['*']),
    connectTimeout: fields.connectTimeout.meta({ form: 'duration' }).default('10s'),
    tcpKeepalive: fields.tcpKeepalive.optional(),
    localityLbSetting: fields.localityLbSetting.optional(),
    h2UpgradePolicy: fields.h2UpgradePolicy.default('DO_NOT_UPGRADE'),
    proxyHttpPort: fields.proxyHttpPort.default(0),
    defaultHttpRetryPolicy: fields.defaultHttpRetryPolicy.optional(),
  })
  .describe(
    "The fields of Istio's MeshConfig that are read. [MeshConfig](kinds.md#meshconfig), or a ConfigMap `istio` in a mesh directory, overrides them without a restart.",
  );

export type MeshConfig = z.infer<typeof meshConfigSchema>;

/** The mesh configuration when nothing is configured. */
export const defaultMeshConfig: MeshConfig = meshConfigSchema.parse({});

/** Spec of a MeshConfig object: any of the same fields. binnacle.yaml supplies those that it leaves out. */
export const meshConfigSpec = z.strictObject({
  rootNamespace: fields.rootNamespace.optional(),
  trustDomain: fields.trustDomain.optional(),
  outboundTrafficPolicy: z
    .strictObject({ mode: fields.outboundMode.optional() })
    .optional()
    .describe('policy for calls to hosts without a service'),
  defaultServiceExportTo: fields.defaultServiceExportTo.optional(),
  defaultVirtualServiceExportTo: fields.defaultVirtualServiceExportTo.optional(),
  defaultDestinationRuleExportTo: fields.defaultDestinationRuleExportTo.optional(),
  connectTimeout: fields.connectTimeout.optional(),
  tcpKeepalive: fields.tcpKeepalive.optional(),
  localityLbSetting: fields.localityLbSetting.optional(),
  h2UpgradePolicy: fields.h2UpgradePolicy.optional(),
  proxyHttpPort: fields.proxyHttpPort.optional(),
  defaultHttpRetryPolicy: fields.defaultHttpRetryPolicy.optional(),
});

export type MeshConfigSpec = z.infer<typeof meshConfigSpec>;

/** Overrides `configured` (from binnacle.yaml) with `spec` (from a MeshConfig object), field by field. */
export const withMeshConfigSpec = (configured: MeshConfig, spec: MeshConfigSpec): MeshConfig =>
  meshConfigSchema.parse({
    ...configured,
    ...spec,
    outboundTrafficPolicy: { ...configured.outboundTrafficPolicy, ...spec.outboundTrafficPolicy },
  });
