import { z } from 'zod';
import { positiveDuration } from './fields.ts';

const text = z.string().min(1);
const exportTo = z.array(z.string()).min(1);
const outboundMode = z.enum(['ALLOW_ANY', 'REGISTRY_ONLY']);

/**
 * The fields of Istio's MeshConfig that this release reads, with Istio's names and defaults. Unknown fields are
 * rejected.
 */
export const meshConfigSchema = z.strictObject({
  rootNamespace: text.default('istio-system'),
  trustDomain: text.default('cluster.local'),
  outboundTrafficPolicy: z.strictObject({ mode: outboundMode.default('ALLOW_ANY') }).prefault({}),
  defaultServiceExportTo: exportTo.default(['*']),
  defaultVirtualServiceExportTo: exportTo.default(['*']),
  defaultDestinationRuleExportTo: exportTo.default(['*']),
  connectTimeout: positiveDuration.default('10s'),
});

export type MeshConfig = z.infer<typeof meshConfigSchema>;

/** The mesh configuration when nothing is configured. */
export const defaultMeshConfig: MeshConfig = meshConfigSchema.parse({});

/** Spec of a MeshConfig object: any of the same fields. binnacle.yaml supplies those that it leaves out. */
export const meshConfigSpec = z.strictObject({
  rootNamespace: text.optional().describe('namespace whose rules apply to the whole mesh'),
  trustDomain: text.optional().describe('trust domain of workload identities'),
  outboundTrafficPolicy: z
    .strictObject({
      mode: outboundMode.optional().describe('ALLOW_ANY allows calls to unknown hosts, REGISTRY_ONLY rejects them'),
    })
    .optional()
    .describe('policy for calls to hosts without a service'),
  defaultServiceExportTo: exportTo.optional().describe('namespaces that see a service without its own setting'),
  defaultVirtualServiceExportTo: exportTo
    .optional()
    .describe('namespaces that see a VirtualService without its own setting'),
  defaultDestinationRuleExportTo: exportTo
    .optional()
    .describe('namespaces that see a DestinationRule without its own setting'),
  connectTimeout: positiveDuration.optional().describe('timeout for connecting to a service'),
});

export type MeshConfigSpec = z.infer<typeof meshConfigSpec>;

/** Overrides `configured` (from binnacle.yaml) with `spec` (from a MeshConfig object), field by field. */
export const withMeshConfigSpec = (configured: MeshConfig, spec: MeshConfigSpec): MeshConfig =>
  meshConfigSchema.parse({
    ...configured,
    ...spec,
    outboundTrafficPolicy: { ...configured.outboundTrafficPolicy, ...spec.outboundTrafficPolicy },
  });
