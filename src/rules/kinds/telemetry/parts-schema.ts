import { z } from 'zod';

/** Direction as seen from the workload: requests that it sends, that it receives, or both. */
export const mode = z.enum(['CLIENT_AND_SERVER', 'CLIENT', 'SERVER']);

/** A match on the direction of traffic only. */
export const modeOnly = z.strictObject({
  mode: mode.optional().describe('traffic that the workload sends, receives, or both (default)'),
});

/** Providers of the mesh configuration, by name. */
export const providers = z.array(
  z.strictObject({
    name: z.string().min(1, 'must not be empty').describe('name of a provider of the mesh configuration'),
  }),
);
