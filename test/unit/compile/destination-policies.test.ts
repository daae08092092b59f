import { describe, expect, test } from 'vitest';
import { meshConfigSchema } from '../../../src/rules/mesh-config.ts';
import { compiledWorld, proxy, rule, service } from '../../support/world.ts';

const host = 'reviews.default.svc.cluster.local';
const ports = [
  { name: 'http', number: 80, protocol: 'http' },
  { name: 'grpc', number: 90, protocol: 'grpc' },
  { name: 'tcp', number: 70, protocol: 'tcp' },
  { name: 'any', number: 60, protocol: 'unknown' },
] as const;
const reviews = service('reviews', { ports: [...ports], vips: ['10.0.0.1'] });
const optionsType = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** The cluster of a port under a traffic policy. */
function clusterUnder(trafficPolicy: object, port = 80, mesh: object = {}) {
  const world = compiledWorld();
  const changes = [{ type: 'mesh', mesh: meshConfigSchema.parse(mesh) } as const];
  world.apply(reviews, rule('DestinationRule', 'r', { host, trafficPolicy }), ...changes);
  return world.json('cluster', `outbound|${port}||${host}`);
}

/** The value at a path of names and indices; undefined if there is none. */
const at = (value: unknown, ...path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>(
    (inner, step) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, step) : undefined),
    value,
  );

const optionsOf = (cluster: object, ...path: readonly string[]) =>
  at(cluster, 'typedExtensionProtocolOptions', optionsType, ...path);

const tlsContextOf = (cluster: object) => at(cluster, 'transportSocket', 'typedConfig', 'commonTlsContext');

describe('load balancing', () => {
  for (const { spec, want } of [
    { spec: { simple: 'LEAST_CONN' }, want: { lbPolicy: 'LEAST_REQUEST' } },
    { spec: { simple: 'UNSPECIFIED' }, want: { lbPolicy: 'LEAST_REQUEST' } },
    { spec: { simple: 'PASSTHROUGH' }, want: { lbPolicy: 'CLUSTER_PROVIDED', type: 'ORIGINAL_DST' } },
    {
      spec: { consistentHash: { useSourceIp: true } },
      want: { lbPolicy: 'RING_HASH', ringHashLbConfig: { minimumRingSize: '1024' } },
    },
    {
      spec: { consistentHash: { useSourceIp: true, minimumRingSize: 64 } },
      want: { lbPolicy: 'RING_HASH', ringHashLbConfig: { minimumRingSize: '64' } },
    },
    {
      spec: { consistentHash: { useSourceIp: true, maglev: { tableSize: 5003 } } },
      want: { lbPolicy: 'MAGLEV', maglevLbConfig: { tableSize: '5003' } },
    },
    {
      spec: { simple: 'ROUND_ROBIN', warmup: { duration: '60s', minimumPercent: 20, aggression: 2 } },
      want: {
        roundRobinLbConfig: {
          slowStartConfig: {
            slowStartWindow: '60s',
            aggression: { defaultValue: 2 },
            minWeightPercent: { value: 20 },
          },
        },
      },
    },
    {
      spec: { warmupDurationSecs: '30s' },
      want: { lbPolicy: 'LEAST_REQUEST', leastRequestLbConfig: { slowStartConfig: { slowStartWindow: '30s' } } },
    },
  ]) {
    test(`${JSON.stringify(spec)} is ${JSON.stringify(want)}`, () => {
      expect(clusterUnder({ loadBalancer: spec })).toMatchObject(want);
    });
  }
});

describe('connections', () => {
  test('have all limits of a rule', () => {
    const cluster = clusterUnder(
      {
        connectionPool: {
          tcp: { maxConnectionDuration: '600s', idleTimeout: '30s', tcpKeepalive: { time: '60s' } },
          http: { maxConcurrentStreams: 9, http2KeepAlive: { interval: '20s' } },
        },
        retryBudget: { percent: 25 },
      },
      90,
    );
    expect(optionsOf(cluster)).toMatchObject({
      commonHttpProtocolOptions: { idleTimeout: '30s', maxConnectionDuration: '600s' },
      explicitHttpConfig: {
        http2ProtocolOptions: { maxConcurrentStreams: 9, connectionKeepalive: { interval: '20s', timeout: '10s' } },
      },
    });
    expect(at(cluster, 'circuitBreakers', 'thresholds', 0, 'retryBudget')).toEqual({
      budgetPercent: { value: 25 },
      minRetryConcurrency: 3,
    });
  });

  test('have the idle timeout of HTTP before that of TCP', () => {
    const pool = { tcp: { idleTimeout: '30s' }, http: { idleTimeout: '45s' } };
    expect(optionsOf(clusterUnder({ connectionPool: pool }), 'commonHttpProtocolOptions')).toEqual({
      idleTimeout: '45s',
    });
  });

  test('have the probes of the mesh, which a rule overrides one by one', () => {
    const mesh = { tcpKeepalive: { time: '300s', interval: '30s', probes: 5 } };
    const keepalive = (policy: object) =>
      at(clusterUnder(policy, 80, mesh), 'upstreamConnectionOptions', 'tcpKeepalive');
    expect(keepalive({})).toEqual({ keepaliveProbes: 5, keepaliveTime: 300, keepaliveInterval: 30 });
    expect(keepalive({ connectionPool: { tcp: { tcpKeepalive: { time: '60s' } } } })).toEqual({
      keepaliveProbes: 5,
      keepaliveTime: 60,
      keepaliveInterval: 30,
    });
  });

  for (const { name, http, mesh, port, want } of [
    { name: 'the protocol of the client', http: { useClientProtocol: true }, mesh: {}, port: 80, want: 'client' },
    { name: 'that of the client where it is detected', http: {}, mesh: {}, port: 60, want: 'client' },
    { name: 'HTTP/2 if the mesh upgrades', http: {}, mesh: { h2UpgradePolicy: 'UPGRADE' }, port: 80, want: 'http2' },
    {
      name: 'HTTP/1 if a rule does not upgrade',
      http: { h2UpgradePolicy: 'DO_NOT_UPGRADE' },
      mesh: { h2UpgradePolicy: 'UPGRADE' },
      port: 80,
      want: 'http1',
    },
    { name: 'no upgrade of a detected port', http: { h2UpgradePolicy: 'UPGRADE' }, mesh: {}, port: 60, want: 'client' },
  ]) {
    test(`speak ${name}`, () => {
      const cluster = clusterUnder({ connectionPool: { http } }, port, mesh);
      const isClients = optionsOf(cluster, 'useDownstreamProtocolConfig') !== undefined;
      const isHttp2 = optionsOf(cluster, 'explicitHttpConfig', 'http2ProtocolOptions') !== undefined;
      const spoken = isClients ? 'client' : isHttp2 ? 'http2' : 'http1';
      expect(spoken).toBe(want);
    });
  }
});

describe('outlier detection', () => {
  test('counts errors of the proxy only if they are split', () => {
    const detection = (outlierDetection: object) => at(clusterUnder({ outlierDetection }), 'outlierDetection');
    expect(detection({ consecutiveLocalOriginFailures: 6 })).toEqual({ enforcingSuccessRate: 0 });
    expect(detection({ consecutiveLocalOriginFailures: 6, splitExternalLocalOriginErrors: true })).toEqual({
      enforcingSuccessRate: 0,
      splitExternalLocalOriginErrors: true,
      consecutiveLocalOriginFailure: 6,
      enforcingConsecutiveLocalOriginFailure: 100,
      enforcingLocalOriginSuccessRate: 0,
    });
  });
});

describe('the transport', () => {
  const tlsOf = (trafficPolicy: object) => at(clusterUnder(trafficPolicy), 'transportSocket', 'typedConfig');

  test('is plain text without TLS, with DISABLE, and with what comes in a later release', () => {
    expect(tlsOf({})).toBeUndefined();
    expect(tlsOf({ tls: { mode: 'DISABLE' } })).toBeUndefined();
    expect(tlsOf({ tls: { mode: 'ISTIO_MUTUAL' } })).toBeUndefined();
    expect(tlsOf({ tls: { mode: 'SIMPLE', credentialName: 'x' } })).toBeUndefined();
  });

  test('verifies servers by the file of authorities and the names', () => {
    const tls = {
      mode: 'SIMPLE',
      caCertificates: '/ca.pem',
      caCrl: '/crl.pem',
      sni: 'gate.example',
      subjectAltNames: ['pay.example', 'spiffe://bank/pay', '10.0.0.1'],
    };
    expect(tlsOf({ tls })).toMatchObject({
      sni: 'gate.example',
      commonTlsContext: {
        validationContext: {
          trustedCa: { filename: '/ca.pem' },
          crl: { filename: '/crl.pem' },
          matchTypedSubjectAltNames: [
            { sanType: 'DNS', matcher: { exact: 'pay.example' } },
            { sanType: 'URI', matcher: { exact: 'spiffe://bank/pay' } },
            { sanType: 'IP_ADDRESS', matcher: { exact: '10.0.0.1' } },
          ],
        },
      },
    });
    expect(optionsOf(clusterUnder({ tls }))).toBeUndefined();
  });

  test('sends and checks the host of the request without a server name', () => {
    const cluster = clusterUnder({ tls: { mode: 'SIMPLE' } });
    expect(optionsOf(cluster, 'upstreamHttpProtocolOptions')).toEqual({ autoSni: true, autoSanValidation: true });
    expect(at(tlsContextOf(cluster), 'validationContext')).toEqual({
      trustedCa: { filename: '/etc/ssl/certs/ca-certificates.crt' },
    });
  });

  test('has the client certificate of MUTUAL', () => {
    const tls = { mode: 'MUTUAL', clientCertificate: '/cert.pem', privateKey: '/key.pem', caCertificates: '/ca.pem' };
    expect(at(tlsContextOf(clusterUnder({ tls })), 'tlsCertificates')).toEqual([
      { certificateChain: { filename: '/cert.pem' }, privateKey: { filename: '/key.pem' } },
    ]);
  });

  test('verifies nothing with insecureSkipVerify', () => {
    const cluster = clusterUnder({ tls: { mode: 'SIMPLE', insecureSkipVerify: true } });
    expect(at(tlsContextOf(cluster), 'validationContext')).toBeUndefined();
    expect(optionsOf(cluster, 'upstreamHttpProtocolOptions')).toEqual({ autoSni: true });
  });

  test('announces the caller by the PROXY protocol, also before TLS', () => {
    const socketOf = (policy: object) => at(clusterUnder(policy), 'transportSocket');
    expect(socketOf({ proxyProtocol: { version: 'V2' } })).toMatchObject({
      name: 'envoy.transport_sockets.upstream_proxy_protocol',
      typedConfig: { config: { version: 'V2' }, transportSocket: { name: 'envoy.transport_sockets.raw_buffer' } },
    });
    expect(socketOf({ proxyProtocol: {}, tls: { mode: 'SIMPLE', sni: 'a.example' } })).toMatchObject({
      typedConfig: { transportSocket: { typedConfig: { sni: 'a.example' } } },
    });
  });
});

describe('the hash of a request', () => {
  const hash = (consistentHash: object) => ({ loadBalancer: { consistentHash } });
  const hashPolicies = (world: ReturnType<typeof compiledWorld>, route = '80') => {
    const text = JSON.stringify(world.json('route', route));
    return [...text.matchAll(/"hashPolicy":(\[.*?\])[,}]/g)].map(([, json = '']) => JSON.parse(json));
  };

  for (const { consistentHash, want } of [
    { consistentHash: { httpHeaderName: 'x-user' }, want: { header: { headerName: 'x-user' } } },
    { consistentHash: { httpQueryParameterName: 'user' }, want: { queryParameter: { name: 'user' } } },
    { consistentHash: { useSourceIp: true }, want: { connectionProperties: { sourceIp: true } } },
    { consistentHash: { httpCookie: { name: 'sid' } }, want: { cookie: { name: 'sid' } } },
    {
      consistentHash: { httpCookie: { name: 'lane', path: '/p', ttl: '90s' } },
      want: { cookie: { name: 'lane', path: '/p', ttl: '90s' } },
    },
    { consistentHash: { httpCookie: { name: 's', ttl: '0s' } }, want: { cookie: { name: 's', ttl: '0s' } } },
  ]) {
    test(`is a policy of the default route: ${JSON.stringify(consistentHash)}`, () => {
      const world = compiledWorld();
      world.apply(reviews, rule('DestinationRule', 'r', { host, trafficPolicy: hash(consistentHash) }));
      expect(hashPolicies(world)).toEqual([[want]]);
    });
  }

  test('is that of the destination, its subset and its port, each key once', () => {
    const world = compiledWorld();
    const ratings = service('ratings');
    const subsets = [{ name: 'v2', trafficPolicy: hash({ httpHeaderName: 'x-v2' }) }, { name: 'v3' }];
    const to = (subset?: string) => ({ destination: { host: 'reviews', subset, port: { number: 80 } }, weight: 1 });
    world.apply(
      reviews,
      ratings,
      rule('DestinationRule', 'r', { host, trafficPolicy: hash({ httpHeaderName: 'x-user' }), subsets }),
      rule('VirtualService', 'v', { hosts: ['ratings'], http: [{ route: [to(), to('v2'), to('v3')] }] }),
    );
    expect(hashPolicies(world)).toContainEqual([
      { header: { headerName: 'x-user' } },
      { header: { headerName: 'x-v2' } },
    ]);
  });

  test('follows the rule of another host that a route leads to', () => {
    const world = compiledWorld();
    const route = [{ destination: { host: 'reviews', port: { number: 80 } } }];
    world.apply(reviews, service('ratings'), rule('VirtualService', 'v', { hosts: ['ratings'], http: [{ route }] }));
    expect(hashPolicies(world)).toEqual([]);
    world.apply(rule('DestinationRule', 'r', { host, trafficPolicy: hash({ useSourceIp: true }) }));
    expect(hashPolicies(world)).toHaveLength(2);
  });

  test('of TCP is the address of the caller', () => {
    const world = compiledWorld();
    world.apply(reviews, rule('DestinationRule', 'r', { host, trafficPolicy: hash({ useSourceIp: true }) }));
    expect(JSON.stringify(world.json('listener', '10.0.0.1_70'))).toContain('"hashPolicy":[{"sourceIp":{}}]');
  });
});

describe('TCP connections', () => {
  test('have the timeouts and the tunnel of the destination', () => {
    const world = compiledWorld();
    const outproxy = service('outproxy', { ports: [{ name: 'tcp', number: 3128, protocol: 'tcp' }] });
    const trafficPolicy = {
      connectionPool: { tcp: { idleTimeout: '30s', maxConnectionDuration: '600s' } },
      tunnel: { protocol: 'POST', targetHost: 'far.example', targetPort: 443 },
    };
    const route = [{ destination: { host: 'outproxy' } }];
    world.apply(
      reviews,
      outproxy,
      rule('DestinationRule', 'r', { host: 'outproxy', trafficPolicy }),
      rule('VirtualService', 'v', { hosts: ['reviews'], tcp: [{ match: [{ port: 70 }], route }] }),
    );
    const text = JSON.stringify(world.json('listener', '10.0.0.1_70', proxy()));
    expect(text).toContain('"tunnelingConfig":{"hostname":"far.example:443","usePost":true}');
    expect(text).toContain('"idleTimeout":"30s"');
    expect(text).toContain('"maxDownstreamConnectionDuration":"600s"');
  });
});
