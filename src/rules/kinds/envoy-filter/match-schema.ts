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
  portNumber: port.optional().describe('port of the service or gateway that traffic is for'),
  portName: z.string().optional().describe('name of the port; not read by proxies of today'),
  filterChain: z
    .strictObject({
      name: z.string().optional().describe('name of the filter chain'),
      sni: z.string().optional().describe('a server name that the chain matches'),
      transportProtocol: z.string().optional().describe('transport that the chain matches: raw_buffer or tls'),
      applicationProtocols: z
        .string()
        .optional()
        .describe('protocols that the chain matches (ALPN), with commas between'),
      destinationPort: port.optional().describe('destination port that the chain matches'),
      filter: filter.optional().describe('a network filter of the chain'),
    })
    .optional()
    .describe('a filter chain of the listener'),
  listenerFilter: z.string().optional().describe('name of a listener filter'),
});

const routeConfiguration = z.strictObject({
  name: z.string().optional().describe('name of the route configuration'),
  portNumber: port.optional().describe('port of the service or gateway that it is for'),
  portName: z.string().optional().describe('name of the port of a gateway'),
  gateway: z.string().optional().describe('gateway that it is for: namespace/name'),
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
            .describe('what the route does; any if left out'),
        })
        .optional()
        .describe('a route of the virtual host'),
    })
    .optional()
    .describe('a virtual host'),
});

const cluster = z.strictObject({
  name: z.string().optional().describe('name of the cluster, whole; for one that other rules do not make'),
  service: z.string().optional().describe('fully qualified hostname that it is for'),
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
    .describe('expression (RE2) that the version of the proxy must match'),
  metadata: z.record(z.string(), z.string()).optional().describe('metadata that the node must have, all of it'),
});

/** Which of the parts are patched; what is set must all fit. */
export const patchMatch = atMostOneOf(
  z.strictObject({
    context: z
      .enum(['ANY', 'SIDECAR_INBOUND', 'SIDECAR_OUTBOUND', 'GATEWAY', 'WAYPOINT'])
      .optional()
      .describe('sort of proxy, and direction of traffic; any if left out'),
    proxy: proxy.optional().describe('which proxies'),
    listener: listener.optional().describe('which listeners'),
    routeConfiguration: routeConfiguration.optional().describe('which route configurations'),
    cluster: cluster.optional().describe('which clusters'),
    waypoint: waypoint.optional().describe('which parts of a waypoint'),
  }),
  ['listener', 'routeConfiguration', 'cluster', 'waypoint'],
).superRefine(({ context: sort, waypoint }, context) => {
  const complain = (message: string) => context.addIssue({ code: 'custom', path: ['waypoint'], message });
  if (sort === 'WAYPOINT' && waypoint === undefined) complain('is required with context WAYPOINT');
  if (sort !== 'WAYPOINT' && waypoint !== undefined) complain('may be set only with context WAYPOINT');
});

export type PatchMatch = z.infer<typeof patchMatch>;
