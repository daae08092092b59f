import { z } from 'zod';
import { countSet, duration, portNumber, positiveDuration } from '../../fields.ts';

const count = z.int().min(0).max(4_294_967_295);
const signedCount = z.int().min(0).max(2_147_483_647);

/** Limits of connections and requests to a destination. */
export const connectionPool = z.strictObject({
  tcp: z
    .strictObject({
      maxConnections: signedCount.optional(),
      connectTimeout: positiveDuration.optional(),
      tcpKeepalive: z
        .strictObject({ probes: count.optional(), time: duration.optional(), interval: duration.optional() })
        .optional(),
      maxConnectionDuration: duration.optional(),
      idleTimeout: duration.optional(),
    })
    .optional(),
  http: z
    .strictObject({
      http1MaxPendingRequests: signedCount.optional(),
      http2MaxRequests: signedCount.optional(),
      maxRequestsPerConnection: signedCount.optional(),
      maxRetries: signedCount.optional(),
      idleTimeout: duration.optional(),
      h2UpgradePolicy: z.enum(['DEFAULT', 'DO_NOT_UPGRADE', 'UPGRADE']).optional(),
      useClientProtocol: z.boolean().optional(),
      maxConcurrentStreams: signedCount.optional(),
    })
    .optional(),
});

const outlierDetection = z.strictObject({
  consecutiveErrors: z.int().min(0).optional(),
  splitExternalLocalOriginErrors: z.boolean().optional(),
  consecutiveLocalOriginFailures: count.optional(),
  consecutiveGatewayErrors: count.optional(),
  consecutive5xxErrors: count.optional(),
  interval: positiveDuration.optional(),
  baseEjectionTime: positiveDuration.optional(),
  maxEjectionPercent: z.int().min(0).max(100).optional(),
  minHealthPercent: z.int().min(0).max(100).optional(),
});

const httpCookie = z.strictObject({
  name: z.string().min(1),
  path: z.string().optional(),
  ttl: duration.optional(),
  attributes: z.array(z.strictObject({ name: z.string(), value: z.string().optional() })).optional(),
});

const consistentHash = z
  .strictObject({
    httpHeaderName: z.string().min(1).optional(),
    httpCookie: httpCookie.optional(),
    useSourceIp: z.boolean().optional(),
    httpQueryParameterName: z.string().min(1).optional(),
    ringHash: z.strictObject({ minimumRingSize: count.optional() }).optional(),
    maglev: z.strictObject({ tableSize: count.optional() }).optional(),
    minimumRingSize: count.optional(),
  })
  .refine(
    (it) => countSet({ a: it.httpHeaderName, b: it.httpCookie, c: it.useSourceIp, d: it.httpQueryParameterName }) === 1,
    'exactly one of httpHeaderName, httpCookie, useSourceIp and httpQueryParameterName must be set',
  );

const localityLbSetting = z.strictObject({
  distribute: z
    .array(z.strictObject({ from: z.string().optional(), to: z.record(z.string(), count).optional() }))
    .optional(),
  failover: z.array(z.strictObject({ from: z.string().optional(), to: z.string().optional() })).optional(),
  failoverPriority: z.array(z.string()).optional(),
  enabled: z.boolean().optional(),
});

const loadBalancer = z
  .strictObject({
    simple: z.enum(['UNSPECIFIED', 'LEAST_CONN', 'RANDOM', 'PASSTHROUGH', 'ROUND_ROBIN', 'LEAST_REQUEST']).optional(),
    consistentHash: consistentHash.optional(),
    localityLbSetting: localityLbSetting.optional(),
    warmupDurationSecs: duration.optional(),
    warmup: z
      .strictObject({
        duration,
        minimumPercent: z.number().min(0).max(100).optional(),
        aggression: z.number().min(1).optional(),
      })
      .optional(),
  })
  .refine((it) => it.simple === undefined || it.consistentHash === undefined, 'only one of simple and consistentHash');

const tls = z.strictObject({
  mode: z.enum(['DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL']).optional(),
  clientCertificate: z.string().optional(),
  privateKey: z.string().optional(),
  caCertificates: z.string().optional(),
  credentialName: z.string().optional(),
  subjectAltNames: z.array(z.string()).optional(),
  sni: z.string().optional(),
  insecureSkipVerify: z.boolean().optional(),
  caCrl: z.string().optional(),
});

const ownFields = {
  loadBalancer: loadBalancer.optional(),
  connectionPool: connectionPool.optional(),
  outlierDetection: outlierDetection.optional(),
  tls: tls.optional(),
};

const tunnel = z.strictObject({
  protocol: z.enum(['CONNECT', 'POST']).optional(),
  targetHost: z.string().min(1),
  targetPort: portNumber,
});

/** The policy of a whole destination or of one subset; a port's settings replace the four own fields. */
export const trafficPolicy = z.strictObject({
  ...ownFields,
  portLevelSettings: z
    .array(z.strictObject({ port: z.strictObject({ number: portNumber }), ...ownFields }))
    .max(4096)
    .optional(),
  tunnel: tunnel.optional(),
  proxyProtocol: z.strictObject({ version: z.enum(['V1', 'V2']).optional() }).optional(),
  retryBudget: z
    .strictObject({ percent: z.number().min(0).max(100).optional(), minRetryConcurrency: count.optional() })
    .optional(),
});

export type TrafficPolicySpec = z.infer<typeof trafficPolicy>;
export type ConnectionPoolSpec = z.infer<typeof connectionPool>;
export type OutlierDetectionSpec = z.infer<typeof outlierDetection>;
export type LoadBalancerSpec = z.infer<typeof loadBalancer>;
