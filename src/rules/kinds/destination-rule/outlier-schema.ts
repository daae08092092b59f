import { z } from 'zod';
import { int32Count, orNull, positiveDuration, uint32, wholePercent } from '../../fields.ts';

/** Ejection of failing endpoints for a while. */
export const outlierDetection = z.strictObject({
  consecutiveErrors: int32Count.optional().describe('older form of consecutiveGatewayErrors'),
  splitExternalLocalOriginErrors: z
    .boolean()
    .optional()
    .describe("count the proxy's own errors (no connection) separately from those of the endpoint"),
  consecutiveLocalOriginFailures: orNull(uint32).describe(
    'consecutive errors of the proxy itself that eject an endpoint',
  ),
  consecutiveGatewayErrors: orNull(uint32).describe(
    'consecutive 502, 503 and 504 that eject an endpoint; 0 for no limit',
  ),
  consecutive5xxErrors: orNull(uint32).describe(
    'consecutive 5xx that eject an endpoint; 5 if left out, 0 for no limit',
  ),
  interval: positiveDuration.optional().describe('interval between checks of all endpoints; 10s if left out'),
  baseEjectionTime: positiveDuration.optional().describe('minimum duration of an ejection; 30s if left out'),
  maxEjectionPercent: wholePercent.optional().describe('maximum percentage of ejected endpoints; 10 if left out'),
  minHealthPercent: wholePercent
    .optional()
    .describe('minimum percentage of healthy endpoints; below it all endpoints are used'),
  outlierDetectionHttpErrorCodes: z
    .array(z.int().min(100, 'must be 100 to 599').max(599, 'must be 100 to 599'))
    .optional()
    .describe('statuses that count as errors instead of 5xx'),
});

export type OutlierDetectionSpec = z.infer<typeof outlierDetection>;
