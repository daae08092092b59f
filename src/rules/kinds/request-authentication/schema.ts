import { z } from 'zod';
import { hasOneTarget, oneTargetOnly, targetFields } from '../shared/workload-target.ts';
import { jwtRule } from './jwt-schema.ts';

/** RequestAuthentication of security.istio.io: https://istio.io/latest/docs/reference/config/security/request_authentication/ */
export const requestAuthenticationSpec = z
  .strictObject({
    ...targetFields,
    jwtRules: z
      .array(jwtRule)
      .max(4_096, 'must be at most 4096 rules')
      .optional()
      .describe('accepted tokens; a token in a request must be valid, a request without one passes'),
  })
  .refine(hasOneTarget, oneTargetOnly);

export type RequestAuthenticationSpec = z.infer<typeof requestAuthenticationSpec>;
