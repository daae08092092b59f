import { z } from 'zod';
import { selectorLabels } from '../../fields.ts';
import { targetRefs } from '../shared/workload-target.ts';
import { patchMatch } from './match-schema.ts';
import { patchProblems } from './patch-problems.ts';

const workloadSelector = z.strictObject({
  labels: selectorLabels(256).optional().describe('labels that a workload must have, all of them'),
});

/** Parts of Envoy's configuration that a patch can change. */
const applyTo = z.enum([
  'INVALID',
  'LISTENER',
  'FILTER_CHAIN',
  'NETWORK_FILTER',
  'HTTP_FILTER',
  'ROUTE_CONFIGURATION',
  'VIRTUAL_HOST',
  'HTTP_ROUTE',
  'CLUSTER',
  'EXTENSION_CONFIG',
  'BOOTSTRAP',
  'LISTENER_FILTER',
]);

const patchOperation = z.enum([
  'INVALID',
  'MERGE',
  'ADD',
  'REMOVE',
  'INSERT_BEFORE',
  'INSERT_AFTER',
  'INSERT_FIRST',
  'REPLACE',
  'MERGE_AND_REPLACE_LIST',
]);

const configPatch = z
  .strictObject({
    applyTo: applyTo.optional().describe("the part of Envoy's configuration to patch"),
    match: patchMatch.optional().describe('selects among these parts; all if left out'),
    patch: z
      .strictObject({
        operation: patchOperation.optional().describe('operation on the part, or beside it'),
        value: z
          .record(z.string(), z.unknown())
          .optional()
          .describe("the part, or some of its fields, in the form of Envoy's API"),
        filterClass: z
          .enum(['UNSPECIFIED', 'AUTHN', 'AUTHZ', 'STATS'])
          .optional()
          .describe("position of an added filter, relative to the mesh's own"),
      })
      .optional()
      .describe('the change'),
  })
  .superRefine((patch, context) => {
    for (const [path, message] of patchProblems(patch)) context.addIssue({ code: 'custom', path: [...path], message });
  });

/** EnvoyFilter of networking.istio.io: https://istio.io/latest/docs/reference/config/networking/envoy-filter/ */
export const envoyFilterSpec = z
  .strictObject({
    workloadSelector: workloadSelector
      .optional()
      .describe('workloads to patch; without it all of the namespace, or of the mesh in the root namespace'),
    targetRefs: targetRefs.optional().describe('objects that it is attached to, instead of selecting workloads'),
    configPatches: z.array(configPatch).optional().describe('changes, in order'),
    priority: z.int32().optional().describe('order among EnvoyFilters, lowest first; 0 if left out'),
  })
  .refine(
    (spec) => spec.workloadSelector === undefined || spec.targetRefs === undefined,
    'only one of workloadSelector and targetRefs may be set',
  );

export type EnvoyFilterSpec = z.infer<typeof envoyFilterSpec>;
