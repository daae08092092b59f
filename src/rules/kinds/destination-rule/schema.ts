import { z } from 'zod';
import { exportTo, host, labels, selectorLabels } from '../../fields.ts';
import { trafficPolicy } from './policy-schema.ts';

const subset = z.strictObject({
  name: z.string().min(1).describe('name that routes refer to'),
  labels: labels.optional().describe('labels of its endpoints'),
  trafficPolicy: trafficPolicy.optional().describe('overrides the policy of the destination, field by field'),
});

/** Istio's networking DestinationRule: settings for requests to a host after routing. */
export const destinationRuleSpec = z
  .strictObject({
    host: host.describe('hostname of a service in the registry; a short name refers to the namespace of this object'),
    trafficPolicy: trafficPolicy.optional().describe('settings of connections and requests to the destination'),
    subsets: z.array(subset).optional().describe('named parts of the endpoints, such as versions'),
    exportTo: exportTo.optional().describe('namespaces whose proxies see it; the default of the mesh if left out'),
    workloadSelector: z
      .strictObject({
        matchLabels: selectorLabels(4096).optional().describe('labels that the callers must have, all of them'),
      })
      .optional()
      .describe('only callers with these labels, in the namespace of this object'),
  })
  .superRefine((spec, context) => {
    const seen = new Set<string>();
    for (const [index, { name }] of (spec.subsets ?? []).entries()) {
      if (seen.has(name)) {
        context.addIssue({ code: 'custom', path: ['subsets', index, 'name'], message: `subset ${name} occurs twice` });
      }
      seen.add(name);
    }
  });

export type DestinationRuleSpec = z.infer<typeof destinationRuleSpec>;
export type SubsetSpec = z.infer<typeof subset>;
