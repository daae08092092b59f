import { z } from 'zod';
import { orNull } from '../../fields.ts';
import { hasOneTarget, oneTargetOnly, targetFields } from '../shared/workload-target.ts';
import { metrics } from './metrics-schema.ts';
import { modeOnly, providers } from './parts-schema.ts';
import { tracing } from './tracing-schema.ts';

const accessLogging = z.strictObject({
  match: modeOnly.optional().describe('traffic to log; both directions if left out'),
  providers: providers.optional().describe('providers that receive logs; the mesh configuration decides if left out'),
  disabled: orNull(z.boolean()).describe('whether logging is disabled'),
  filter: z
    .strictObject({ expression: z.string().optional().describe('CEL expression that selects what is logged') })
    .optional()
    .describe('filter for requests and connections; all if left out'),
});

/** Telemetry of telemetry.istio.io: https://istio.io/latest/docs/reference/config/telemetry/ */
export const telemetrySpec = z
  .strictObject({
    ...targetFields,
    tracing: z.array(tracing).optional().describe('tracing of requests'),
    metrics: z.array(metrics).optional().describe('metrics to record, with their dimensions'),
    accessLogging: z.array(accessLogging).optional().describe('access logs of requests and connections'),
  })
  .refine(hasOneTarget, oneTargetOnly);

export type TelemetrySpec = z.infer<typeof telemetrySpec>;
