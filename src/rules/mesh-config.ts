import { z } from 'zod';
import { positiveDuration } from './fields.ts';

/** The part of Istio's MeshConfig that is read so far; its field names, its defaults. An unknown field is refused. */
export const meshConfigSchema = z.strictObject({
  rootNamespace: z.string().min(1).default('istio-system'),
  trustDomain: z.string().min(1).default('cluster.local'),
  outboundTrafficPolicy: z
    .strictObject({ mode: z.enum(['ALLOW_ANY', 'REGISTRY_ONLY']).default('ALLOW_ANY') })
    .prefault({}),
  defaultServiceExportTo: z.array(z.string()).min(1).default(['*']),
  defaultVirtualServiceExportTo: z.array(z.string()).min(1).default(['*']),
  defaultDestinationRuleExportTo: z.array(z.string()).min(1).default(['*']),
  connectTimeout: positiveDuration.default('10s'),
});

export type MeshConfig = z.infer<typeof meshConfigSchema>;

/** What holds where nothing is configured. */
export const defaultMeshConfig: MeshConfig = meshConfigSchema.parse({});
