import { z } from 'zod';
import { host, int32Count, portNumber } from '../../fields.ts';

/** Target of a route: a service, a subset and a port. */
export const destination = z.strictObject({
  host: host.describe('hostname of a service in the registry; a short name refers to the namespace of this object'),
  subset: z.string().min(1).optional().describe('subset that a DestinationRule of the service defines'),
  port: z
    .strictObject({ number: portNumber.describe('port of the service') })
    .optional()
    .describe('required only when the service has several ports'),
});

export type DestinationSpec = z.infer<typeof destination>;

/** Weight relative to the other destinations of the route. */
export const weight = int32Count;
