import { z } from 'zod';
import { orNull, uint32 } from '../../fields.ts';

const region = z.string().regex(/^[^*/]*$/, 'must be a region, without zone and wildcard');

const failover = z
  .strictObject({
    from: region.optional().describe('region whose endpoints fail'),
    to: region.optional().describe('region that receives their requests'),
  })
  .refine((it) => it.from !== it.to, { error: 'must differ from the region that fails', path: ['to'] });

const failoverList = z.array(failover).optional().describe('region that receives the requests of a failed region');

const priorityLabels = z
  .array(z.string().min(1))
  .optional()
  .describe('labels (name or name=value) that endpoints should share with the caller, most important first');

/** `region/zone/subzone`, with `*` as the last part or alone. */
const locality = z
  .string()
  .regex(/^(\*|[^*/]+(\/[^*/]+){0,2}\/?\*?)$/, 'must be region/zone/subzone; * is allowed only at the end');

const share = uint32.refine((weight) => weight >= 1 && weight <= 100, 'must be 1 to 100');

const distribution = z
  .strictObject({
    from: locality.optional().describe('locality of the callers'),
    to: z.record(locality, share).optional().describe('percentages by locality of the endpoints; the sum is 100'),
  })
  .refine(({ to = {} }) => Object.values(to).reduce((sum, it) => sum + it, 0) === 100, {
    error: 'the percents must add up to 100',
    path: ['to'],
  });

const topologyLabels = [
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
  'topology.istio.io/subzone',
] as const;

/** Choice of the localities that receive the requests of a locality, normally and after a failure. */
export const localityLbSetting = z
  .strictObject({
    distribute: z.array(distribution).optional().describe('shares of localities, by locality of the callers'),
    failover: failoverList,
    failoverPriority: priorityLabels,
    enabled: orNull(z.boolean()).describe('whether localities are used; the mesh configuration decides if left out'),
  })
  .superRefine(({ distribute = [], failover = [], failoverPriority = [] }, context) => {
    const complain = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message });
    if (distribute.length > 0 && failover.length > 0) {
      complain('failover', 'only one of distribute and failover may be set');
    }
    if (failover.length > 0 && holdsTopology(failoverPriority)) {
      complain('failoverPriority', `together with failover it takes none of ${topologyLabels.join(', ')}`);
    }
  });

/** Keeps requests in the caller's zone while its endpoints have capacity. */
export const zoneAwareLbSetting = z
  .strictObject({
    enabled: orNull(z.boolean()).describe('whether zones are used; the mesh configuration decides if left out'),
    failover: failoverList,
    failoverPriority: priorityLabels,
    minClusterSize: orNull(uint32.min(1)).describe("minimum number of endpoints in the caller's region; 6 if left out"),
  })
  .refine(({ failoverPriority = [] }) => !holdsTopology(failoverPriority), {
    error: `takes none of ${topologyLabels.join(', ')}: they count anyway`,
    path: ['failoverPriority'],
  });

const holdsTopology = (priority: readonly string[]): boolean =>
  topologyLabels.some((label) => priority.includes(label));
