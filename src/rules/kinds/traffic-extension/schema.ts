import { z } from 'zod';
import { atMostOneOf } from '../../one-of.ts';
import { extensionPriority, trafficMatch, wasmFields } from '../shared/wasm.ts';
import { selector, targetRefs } from '../shared/workload-target.ts';

const maxLuaCharacters = 65_536;

/** TrafficExtension of extensions.istio.io: https://istio.io/latest/docs/reference/config/proxy_extensions/traffic_extension/ */
export const trafficExtensionSpec = atMostOneOf(
  z.strictObject({
    selector: selector
      .optional()
      .describe('workloads of the extension; without it all of the namespace, or of the mesh in the root namespace'),
    targetRefs: targetRefs.optional().describe('objects that it is attached to, in place of workloads'),
    phase: z
      .enum(['UNSPECIFIED', 'AUTHN', 'AUTHZ', 'STATS'])
      .optional()
      .describe("position: before one of the mesh's own filters; near the end of the chain if left out"),
    priority: extensionPriority,
    match: trafficMatch.optional().describe('traffic that it processes, of which one item must match; all if left out'),
    wasm: z.strictObject(wasmFields).optional().describe('a WebAssembly module as the filter'),
    lua: z
      .strictObject({
        inlineCode: z
          .string()
          .min(1, 'must be the code')
          .max(maxLuaCharacters, `must be at most ${maxLuaCharacters} characters`)
          .describe('source text of the code'),
      })
      .optional()
      .describe('Lua code as the filter'),
  }),
  ['wasm', 'lua'],
).superRefine(({ wasm, lua, ...spec }, context) => {
  if (wasm === undefined && lua === undefined) {
    context.addIssue({ code: 'custom', message: 'needs the code: one of wasm and lua' });
  }
  if (spec.selector !== undefined && spec.targetRefs !== undefined) {
    context.addIssue({ code: 'custom', message: 'only one of selector and targetRefs may be set' });
  }
});

export type TrafficExtensionSpec = z.infer<typeof trafficExtensionSpec>;
