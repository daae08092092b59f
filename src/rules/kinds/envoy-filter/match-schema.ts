import { z } from 'zod';
import { uint32 } from '../../fields.ts';
import { atMostOneOf } from '../../one-of.ts';
import { re2Text } from '../../re2/re2-text.ts';

const port = uint32;
const filterName = z.string().optional().describe('name of the filter');

const filter = z.strictObject({
  name: filterName,
  subFilter: z.strictObject({ name: filterName }).optional().describe('a filter within it: an HTTP filter'),
});

const listener = z.strictObject({
  name: z.string().optional().describe('name of the listener'),
  portNumber: port.optional().describe('port of the service or gateway'),
  portName: z.string().optional().describe('name of the port; current proxies ignore it'),
  filterChain: z
    .strictObject({
      name: z.string().optional().describe('name of the filter chain'),
      sni: z.string().optional().describe('a server name that the chain matches'),
      transportProtocol: z.string().optional().describe('transport that the chain matches: raw_buffer or tls'),
      applicationProtocols: z
        .string()
        .optional()
        .describe('protocols that the chain matches (ALPN), separated by commas'),
      destinationPort: port.optional().describe('destination port that the chain matches'),
      filter: filter.optional().describe('a network filter of the chain'),
    })
    .optional()
    .describe('a filter chain of the listener'),
  listenerFilter: z.string().optional().describe('name of a listener filter'),
});

const routeConfiguration = z.strictObject({
  name: z.string().optional().describe('name of the route configuration'),
  portNumber: port.optional().describe('port of the service or gateway of the routes'),
  portName: z.string().optional().describe('name of the port of a gateway'),
  gateway: z.string().optional().describe('gateway of the routes: namespace/name'),
  vhost: z
    .strictObject({
      name: z.string().optional().describe('name of the virtual host: host:port'),
      domainName: z.string().optional().describe('a domain of the virtual host'),
      route: z
        .strictObject({
          name: z.string().optional().describe('name of the route'),
          action: z
            .enum(['ANY', 'ROUTE', 'REDIRECT', 'DIRECT_RESPONSE'])
            .optional()
            .describe('action of the route; any if left out'),
        })
        .optional()
        .describe('a route of the virtual host'),
    })
    .optional()
    .describe('a virtual host'),
});

const cluster = z.strictObject({
  name: z.string().optional().describe('exact name of the cluster; for clusters that no other rule defines'),
  service: z.string().optional().describe('fully qualified hostname of the cluster'),
  subset: z.string().optional().describe('subset of the service'),
  portNumber: port.optional().describe('port of the service'),
});

const waypoint = z.strictObject({
  portNumber: port
    .refine((number) => number >= 1 && number <= 65_535, 'must be 1 to 65535')
    .optional()
    .describe('port of the service'),
  filter: filter.optional().describe('a network filter'),
  route: z
    .strictObject({ name: z.string().optional().describe('name of the route') })
    .optional()
    .describe('a route'),
});

const proxy = z.strictObject({
  proxyVersion: re2Text
    .max(1_024, 'must be at most 1024 characters')
    .optional()
    .describe('RE2 expression that the version of the proxy must match'),
  metadata: z.record(z.string(), z.string()).optional().describe('metadata that the node must have, all of it'),
});

/** Selects the parts to patch. All fields that are set must match. */
export const patchMatch = atMostOneOf(
  z.strictObject({
    context: z
      .enum(['ANY', 'SIDECAR_INBOUND', 'SIDECAR_OUTBOUND', 'GATEWAY', 'WAYPOINT'])
      .optional()
      .describe('type of proxy and direction of traffic; any if left out'),
    proxy: proxy.optional().describe('proxies to patch'),
    listener: listener.optional().describe('listeners to patch'),
    routeConfiguration: routeConfiguration.optional().describe('route configurations to patch'),
    cluster: cluster.optional().describe('clusters to patch'),
    waypoint: waypoint.optional().describe('parts of a waypoint to patch'),
  }),
  ['listener', 'routeConfiguration', 'cluster', 'waypoint'],
).superRefine(({ context: sort, waypoint }, context) => {
  const complain = (message: string) => context.addIssue({ code: 'custom', path: ['waypoint'], message });
  if (sort === 'WAYPOINT' && waypoint === undefined) complain('is required with context WAYPOINT');
  if (sort !== 'WAYPOINT' && waypoint !== undefined) complain('may be set only with context WAYPOINT');
});

export type PatchMatch = z.infer<typeof patchMatch>;
