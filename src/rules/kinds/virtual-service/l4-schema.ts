import { z } from 'zod';
import { isAddressRange } from '../../addresses.ts';
import { host } from '../../fields.ts';
import { destination, weight } from './destination-schema.ts';
import { sourceConditions } from './match-schema.ts';

const subnet = z.string().refine(isAddressRange, 'must be an IP address or a CIDR such as 10.0.0.0/8');

const routeDestination = z.strictObject({
  destination: destination.describe('where connections go'),
  weight: weight.optional().describe('share, relative to the other destinations of the route'),
});

/** Conditions that TCP and TLS routes share. */
const connectionConditions = {
  destinationSubnets: z.array(subnet).optional().describe('addresses that were called, any of these'),
  ...sourceConditions,
};

const route = z.array(routeDestination).min(1).describe('destinations that share the connections by weight');

const tcpMatch = z.strictObject({
  ...connectionConditions,
  sourceSubnet: subnet.optional().describe('addresses that may call'),
});

/** Where connections of no known protocol go. */
export const tcpRoute = z.strictObject({
  match: z.array(tcpMatch).optional().describe('conditions, any of which is enough; every connection if left out'),
  route,
});

export type TcpRouteSpec = z.infer<typeof tcpRoute>;

const tlsMatch = z.strictObject({
  ...connectionConditions,
  sniHosts: z.array(host).min(1).describe('server names that clients ask for; within the hosts of the rule'),
});

/** Where TLS connections go that the proxy does not open. */
export const tlsRoute = z.strictObject({
  match: z.array(tlsMatch).min(1).describe('conditions, any of which is enough'),
  route,
});
