import { z } from 'zod';
import { positiveDuration } from './fields.ts';

const text = z.string().min(1);
const exportTo = z.array(z.string()).min(1);
const outboundMode = z.enum(['ALLOW_ANY', 'REGISTRY_ONLY']);

/** The part of Istio's MeshConfig that is read so far; its field names, its defaults. An unknown field is refused. */
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

/** What holds where nothing is configured. */
export const defaultMeshConfig: MeshConfig = meshConfigSchema.parse({});

/** What a MeshConfig object may say: any of the same fields. What it leaves out is as binnacle.yaml has it. */
export const meshConfigSpec = z.strictObject({
  rootNamespace: text.optional().describe('namespace whose rules hold for the whole mesh'),
  trustDomain: text.optional().describe('trust domain of the identities of workloads'),
  outboundTrafficPolicy: z
    .strictObject({
      mode: outboundMode
        .optional()
        .describe('ALLOW_ANY lets calls to unknown hosts through, REGISTRY_ONLY refuses them'),
    })
    .optional()
    .describe('what becomes of calls to hosts that no service has'),
  defaultServiceExportTo: exportTo.optional().describe('namespaces that see a service which says nothing of it'),
  defaultVirtualServiceExportTo: exportTo
    .optional()
    .describe('namespaces that see a VirtualService which says nothing of it'),
  defaultDestinationRuleExportTo: exportTo
    .optional()
    .describe('namespaces that see a DestinationRule which says nothing of it'),
  connectTimeout: positiveDuration.optional().describe('how long a connection to a service may take to be made'),
});

export type MeshConfigSpec = z.infer<typeof meshConfigSpec>;

/** What holds when an object says `spec` and binnacle.yaml says `configured`: field by field. */
export const withMeshConfigSpec = (configured: MeshConfig, spec: MeshConfigSpec): MeshConfig =>
  meshConfigSchema.parse({
    ...configured,
    ...spec,
    outboundTrafficPolicy: { ...configured.outboundTrafficPolicy, ...spec.outboundTrafficPolicy },
  });
