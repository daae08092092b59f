import { z } from 'zod';
import { extensionPriority, trafficMatch, wasmFields } from '../shared/wasm.ts';
import { hasOneTarget, oneTargetOnly, targetFields } from '../shared/workload-target.ts';

/** WasmPlugin of extensions.istio.io: https://istio.io/latest/docs/reference/config/proxy_extensions/wasm-plugin/ */
export const wasmPluginSpec = z
  .strictObject({
    ...targetFields,
    ...wasmFields,
    phase: z
      .enum(['UNSPECIFIED_PHASE', 'AUTHN', 'AUTHZ', 'STATS'])
      .optional()
      .describe("position: before one of the mesh's own filters; near the end of the chain if left out"),
    priority: extensionPriority,
    match: trafficMatch.optional().describe('traffic that it processes, of which one item must match; all if left out'),
  })
  .refine(hasOneTarget, oneTargetOnly);

export type WasmPluginSpec = z.infer<typeof wasmPluginSpec>;
