import { z } from 'zod';
import { exportTo, host, labels, selectorLabels } from '../../fields.ts';
import { trafficPolicy } from './policy-schema.ts';

const subset = z.strictObject({
  name: z.string().min(1).describe('name by which routes mean it'),
  labels: labels.optional().describe('labels that its endpoints have'),
  trafficPolicy: trafficPolicy.optional().describe('overrides the policy of the destination, field by field'),
});

/** Istio's networking DestinationRule: what happens to requests on their way to a host once they were routed. */
export const destinationRuleSpec = z
  .strictObject({
    host: host.describe('service as the registry knows it; a short name is of the namespace of this object'),
    trafficPolicy: trafficPolicy.optional().describe('how the destination is called'),
    subsets: z.array(subset).optional().describe('named parts of the endpoints, such as versions'),
    exportTo: exportTo.optional().describe('namespaces whose proxies see it; the default of the mesh if left out'),
    workloadSelector: z
      .strictObject({ matchLabels: selectorLabels(4096).optional().describe('labels, all of which they have') })
      .optional()
      .describe('only callers with these labels, in the namespace of this object'),
  })
  .superRefine((spec, context) => {
    const seen = new Set<string>();
    for (const [index, { name }] of (spec.subsets ?? []).entries()) {
      if (seen.has(name)) {
        context.addIssue({ code: 'custom', path: ['subsets', index, 'name'], message: `subset ${name} stands twice` });
      }
      seen.add(name);
    }
  });

export type DestinationRuleSpec = z.infer<typeof destinationRuleSpec>;
export type SubsetSpec = z.infer<typeof subset>;
