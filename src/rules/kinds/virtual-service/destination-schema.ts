import { z } from 'zod';
import { host, portNumber } from '../../fields.ts';

/** A service, one of its subsets and ports: what a route leads to. */
export const destination = z.strictObject({
  host,
  subset: z.string().min(1).optional(),
  port: z.strictObject({ number: portNumber }).optional(),
});

export type DestinationSpec = z.infer<typeof destination>;

/** Relative to the other destinations of the route. */
export const weight = z.int().min(0).max(2_147_483_647);
