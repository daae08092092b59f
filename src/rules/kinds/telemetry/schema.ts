import { z } from 'zod';
import { orNull } from '../../fields.ts';
import { hasOneTarget, oneTargetOnly, targetFields } from '../shared/workload-target.ts';
import { metrics } from './metrics-schema.ts';
import { modeOnly, providers } from './parts-schema.ts';
import { tracing } from './tracing-schema.ts';

const accessLogging = z.strictObject({
  match: modeOnly.optional().describe('traffic that it is for; both directions if left out'),
  providers: providers.optional().describe('where logs go; what the mesh configuration says if left out'),
  disabled: orNull(z.boolean()).describe('whether nothing is logged'),
  filter: z
    .strictObject({ expression: z.string().optional().describe('CEL expression that is true for what is logged') })
    .optional()
    .describe('which requests and connections are logged; all if left out'),
});

/** Telemetry of telemetry.istio.io: https://istio.io/latest/docs/reference/config/telemetry/ */
export const telemetrySpec = z
  .strictObject({
    ...targetFields,
    tracing: z.array(tracing).optional().describe('how requests are traced'),
    metrics: z.array(metrics).optional().describe('which metrics are kept, with which dimensions'),
    accessLogging: z.array(accessLogging).optional().describe('what is logged of requests and connections'),
  })
  .refine(hasOneTarget, oneTargetOnly);

export type TelemetrySpec = z.infer<typeof telemetrySpec>;
