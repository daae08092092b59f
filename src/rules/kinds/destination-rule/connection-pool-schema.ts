import { z } from 'zod';
import { exactMs } from '../../duration.ts';
import { duration, int32Count, positiveDuration, uint32 } from '../../fields.ts';

/** Envoy stores whole seconds in 32 bits. */
const keepaliveTime = positiveDuration.refine(
  (text) => exactMs(text) <= 4_294_967_295_000,
  'must be 4294967295s (136 years) at most',
);

/** Probes on idle TCP connections. */
export const tcpKeepalive = z.strictObject({
  probes: uint32.optional().describe('number of unanswered probes after which a connection is dead'),
  time: keepaliveTime.optional().describe('idle time before the first probe'),
  interval: keepaliveTime.optional().describe('time between probes'),
});

const tcpPool = z.strictObject({
  maxConnections: int32Count.optional().describe('maximum number of connections; 0 for no limit'),
  connectTimeout: positiveDuration.optional().describe('timeout for connecting; 10s if left out'),
  tcpKeepalive: tcpKeepalive.optional().describe('probes on idle connections'),
  maxConnectionDuration: positiveDuration.optional().describe('maximum age of a connection'),
  idleTimeout: duration.optional().describe('idle time after which a connection is closed; 0s for never'),
});

const http2KeepAlive = z.strictObject({
  interval: positiveDuration.optional().describe('time between pings'),
  timeout: positiveDuration.optional().describe('time to answer a ping before the connection is closed'),
});

const httpPool = z
  .strictObject({
    http1MaxPendingRequests: int32Count
      .optional()
      .describe('maximum number of requests that wait for a connection; 0 for no limit'),
    http2MaxRequests: int32Count.optional().describe('maximum number of concurrent requests; 0 for no limit'),
    maxRequestsPerConnection: int32Count
      .optional()
      .describe('maximum number of requests on one connection; 0 for no limit'),
    maxRetries: int32Count.optional().describe('maximum number of concurrent retries; 0 for no limit'),
    idleTimeout: duration.optional().describe('idle time after which a connection is closed'),
    h2UpgradePolicy: z
      .enum(['DEFAULT', 'DO_NOT_UPGRADE', 'UPGRADE'])
      .optional()
      .describe('whether HTTP/1.1 requests are sent upstream as HTTP/2'),
    useClientProtocol: z.boolean().optional().describe('use the protocol of the client for upstream requests'),
    maxConcurrentStreams: int32Count
      .optional()
      .describe('maximum number of concurrent streams on one HTTP/2 connection'),
    http2KeepAlive: http2KeepAlive.optional().describe('pings on HTTP/2 connections'),
  })
  .refine((it) => it.useClientProtocol !== true || it.h2UpgradePolicy !== 'UPGRADE', {
    error: 'cannot be true when h2UpgradePolicy is UPGRADE',
    path: ['useClientProtocol'],
  });

/** Limits of connections and requests to a destination. */
export const connectionPool = z.strictObject({
  tcp: tcpPool.optional().describe('limits of connections'),
  http: httpPool.optional().describe('limits of HTTP requests'),
});

export type ConnectionPoolSpec = z.infer<typeof connectionPool>;
