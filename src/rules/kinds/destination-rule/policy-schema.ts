import { z } from 'zod';
import { ipVersion } from '../../../lib/ip.ts';
import { isDnsName } from '../../addresses.ts';
import { duration, orNull, portNumber, uint32 } from '../../fields.ts';
import { connectionPool } from './connection-pool-schema.ts';
import { loadBalancer } from './load-balancer-schema.ts';
import { outlierDetection } from './outlier-schema.ts';
import { clientTls } from './tls-schema.ts';

/** Settings of a whole destination, of a subset, or of a port of either. */
const ownFields = {
  loadBalancer: loadBalancer.optional().describe('choice of the endpoint for a request'),
  connectionPool: connectionPool.optional().describe('limits of connections and requests'),
  outlierDetection: outlierDetection.optional().describe('ejection of failing endpoints'),
  tls: clientTls.optional().describe('security of connections'),
};

const portLevelSettings = z.strictObject({
  port: z.strictObject({ number: portNumber.describe('port of the service') }).describe('port that this is for'),
  ...ownFields,
});

const tunnel = z.strictObject({
  protocol: z.enum(['CONNECT', 'POST']).optional().describe('method that opens the tunnel; CONNECT if left out'),
  targetHost: z
    .string()
    .refine((text) => ipVersion(text) !== 0 || isDnsName(text), 'must be a hostname or an IP address')
    .describe('host that the tunnel leads to'),
  targetPort: portNumber.describe('port that the tunnel leads to'),
});

const retryBudget = z.strictObject({
  percent: orNull(z.number().min(0).max(100)).describe(
    'maximum number of retries, in percent of requests; 20 if left out',
  ),
  minRetryConcurrency: uint32.optional().describe('number of retries that are always allowed; 3 if left out'),
  budgetInterval: duration.optional().describe('period whose requests count; 0s for concurrent requests'),
});

/** The policy of a whole destination or of one subset. A port's settings replace the four own fields. */
export const trafficPolicy = z
  .strictObject({
    ...ownFields,
    portLevelSettings: z
      .array(portLevelSettings)
      .max(4096)
      .optional()
      .describe('settings of single ports, which replace those of the destination'),
    tunnel: tunnel.optional().describe('connections go through a tunnel that the destination opens'),
    proxyProtocol: z
      .strictObject({ version: z.enum(['V1', 'V2']).optional().describe('version of the protocol; V1 if left out') })
      .optional()
      .describe("sends the caller's address to the destination by the PROXY protocol"),
    retryBudget: retryBudget.optional().describe('limit of retries in proportion to requests'),
  })
  .refine((it) => it.tunnel === undefined || it.proxyProtocol === undefined, {
    error: 'only one of tunnel and proxyProtocol may be set',
    path: ['proxyProtocol'],
  });

export type TrafficPolicySpec = z.infer<typeof trafficPolicy>;

/** Settings of one port of a destination or of a subset. */
export type PortPolicy = Omit<TrafficPolicySpec, 'portLevelSettings'>;
