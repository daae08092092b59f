import { z } from 'zod';
import { host, int32Count, portNumber } from '../../fields.ts';

/** A service, one of its subsets and ports: what a route leads to. */
export const destination = z.strictObject({
  host: host.describe('service as the registry knows it; a short name is of the namespace of this object'),
  subset: z.string().min(1).optional().describe('subset of the service that a DestinationRule names'),
  port: z
    .strictObject({ number: portNumber.describe('port of the service') })
    .optional()
    .describe('needed only where the service has several ports'),
});

export type DestinationSpec = z.infer<typeof destination>;

/** Relative to the other destinations of the route. */
export const weight = int32Count;
