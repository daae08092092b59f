import { z } from 'zod';
import { isAddressRange } from '../../addresses.ts';
import { host } from '../../fields.ts';
import { destination, weight } from './destination-schema.ts';
import { sourceConditions } from './match-schema.ts';

const subnet = z.string().refine(isAddressRange, 'must be an IP address or a CIDR such as 10.0.0.0/8');

const routeDestination = z.strictObject({
  destination: destination.describe('destination of connections'),
  weight: weight.optional().describe('share, relative to the other destinations of the route'),
});

/** Conditions that TCP and TLS routes share. */
const connectionConditions = {
  destinationSubnets: z.array(subnet).optional().describe('called addresses, of which one must match'),
  ...sourceConditions,
};

const route = z.array(routeDestination).min(1).describe('destinations that share the connections by weight');

const tcpMatch = z.strictObject({
  ...connectionConditions,
  sourceSubnet: subnet.optional().describe('addresses of allowed callers'),
});

/** Route for connections of unknown protocols. */
export const tcpRoute = z.strictObject({
  match: z.array(tcpMatch).optional().describe('conditions, of which one must hold; every connection if left out'),
  route,
});

export type TcpRouteSpec = z.infer<typeof tcpRoute>;

const tlsMatch = z.strictObject({
  ...connectionConditions,
  sniHosts: z.array(host).min(1).describe('server names of the clients (SNI), within the hosts of the rule'),
});

/** Route for TLS connections that the proxy does not terminate. */
export const tlsRoute = z.strictObject({
  match: z.array(tlsMatch).min(1).describe('conditions, of which one must hold'),
  route,
});
