import { z } from 'zod';
import { exportTo, host, labels } from '../../fields.ts';
import { trafficPolicy } from './policy-schema.ts';

const subset = z.strictObject({
  name: z.string().min(1),
  labels: labels.optional(),
  trafficPolicy: trafficPolicy.optional(),
});

/** Istio's networking DestinationRule: what happens to requests on their way to a host once they were routed. */
export const destinationRuleSpec = z
  .strictObject({
    host,
    trafficPolicy: trafficPolicy.optional(),
    subsets: z.array(subset).optional(),
    exportTo: exportTo.optional(),
    workloadSelector: z.strictObject({ matchLabels: labels.optional() }).optional(),
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
