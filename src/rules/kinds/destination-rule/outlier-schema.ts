import { z } from 'zod';
import { int32Count, orNull, positiveDuration, uint32, wholePercent } from '../../fields.ts';

/** When an endpoint that fails is left out for a while. */
export const outlierDetection = z.strictObject({
  consecutiveErrors: int32Count.optional().describe('older form of consecutiveGatewayErrors'),
  splitExternalLocalOriginErrors: z
    .boolean()
    .optional()
    .describe("count the proxy's own errors (no connection) apart from those of the endpoint"),
  consecutiveLocalOriginFailures: orNull(uint32).describe("the proxy's own errors in a row that are too many"),
  consecutiveGatewayErrors: orNull(uint32).describe('502, 503 and 504 in a row that are too many; 0 for no limit'),
  consecutive5xxErrors: orNull(uint32).describe('5xx in a row that are too many; 5 if left out, 0 for no limit'),
  interval: positiveDuration.optional().describe('time between looks at all endpoints; 10s if left out'),
  baseEjectionTime: positiveDuration.optional().describe('least time that an endpoint is left out; 30s if left out'),
  maxEjectionPercent: wholePercent.optional().describe('share of endpoints that may be left out; 10 if left out'),
  minHealthPercent: wholePercent.optional().describe('share that must be well; below it all endpoints are used'),
  outlierDetectionHttpErrorCodes: z
    .array(z.int().min(100, 'must be 100 to 599').max(599, 'must be 100 to 599'))
    .optional()
    .describe('statuses that count as errors instead of 5xx'),
});

export type OutlierDetectionSpec = z.infer<typeof outlierDetection>;
