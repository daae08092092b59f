import { beforeAll, expect, it } from 'vitest';
import type { ClusterJson } from '../../src/proto/json.ts';
import { destinationRule } from '../../src/rules/kinds/destination-rule/index.ts';
import { problemsWith } from '../support/bad-specs.ts';
import { describeWith } from '../support/describe-with.ts';
import { envoyClusterVerdicts } from '../support/envoy-verdicts.ts';
import { compiledWorld, rule, service } from '../support/world.ts';

/** Values at the limits of some part on the way. */
const numbers = [-1, 0, 0.5, 1, 100, 101, 2_147_483_647, 2_147_483_648, 4_294_967_295, 4_294_967_296];
const durations = [
  '-1s',
  '0s',
  '1us',
  '1ms',
  '1.0005s',
  '315576000s',
  '4294967295s',
  '4294967296s',
  '9223372035s',
  '9223372036s',
];

const tcp = (fields: object) => ({ connectionPool: { tcp: fields } });
const http = (fields: object) => ({ connectionPool: { http: fields } });
const outlier = (fields: object) => ({ outlierDetection: fields });

/** Returns a traffic policy with the value in one place. */
const ofNumber: Readonly<Record<string, (value: number) => object>> = {
  maxConnections: (maxConnections) => tcp({ maxConnections }),
  'tcpKeepalive.probes': (probes) => tcp({ tcpKeepalive: { probes } }),
  http1MaxPendingRequests: (http1MaxPendingRequests) => http({ http1MaxPendingRequests }),
  http2MaxRequests: (http2MaxRequests) => http({ http2MaxRequests }),
  maxRequestsPerConnection: (maxRequestsPerConnection) => http({ maxRequestsPerConnection }),
  maxRetries: (maxRetries) => http({ maxRetries }),
  consecutiveErrors: (consecutiveErrors) => outlier({ consecutiveErrors }),
  consecutive5xxErrors: (consecutive5xxErrors) => outlier({ consecutive5xxErrors }),
  consecutiveGatewayErrors: (consecutiveGatewayErrors) => outlier({ consecutiveGatewayErrors }),
  consecutiveLocalOriginFailures: (consecutiveLocalOriginFailures) =>
    outlier({ consecutiveLocalOriginFailures, splitExternalLocalOriginErrors: true }),
  maxEjectionPercent: (maxEjectionPercent) => outlier({ maxEjectionPercent }),
  minHealthPercent: (minHealthPercent) => outlier({ minHealthPercent }),
};

const ofDuration: Readonly<Record<string, (value: string) => object>> = {
  connectTimeout: (connectTimeout) => tcp({ connectTimeout }),
  'tcpKeepalive.time': (time) => tcp({ tcpKeepalive: { time } }),
  'tcpKeepalive.interval': (interval) => tcp({ tcpKeepalive: { interval } }),
  'http.idleTimeout': (idleTimeout) => http({ idleTimeout }),
  interval: (interval) => outlier({ interval }),
  baseEjectionTime: (baseEjectionTime) => outlier({ baseEjectionTime }),
};

const samples = [
  ...Object.entries(ofNumber).flatMap(([place, build]) =>
    numbers.map((value) => ({ name: `${place}: ${value}`, trafficPolicy: build(value) })),
  ),
  ...Object.entries(ofDuration).flatMap(([place, build]) =>
    durations.map((value) => ({ name: `${place}: ${value}`, trafficPolicy: build(value) })),
  ),
];

const specOf = (trafficPolicy: object) => ({ host: 'reviews', trafficPolicy });

function clusterUnder(trafficPolicy: object): ClusterJson {
  const world = compiledWorld();
  world.apply(service('reviews'), rule('DestinationRule', 'sample', specOf(trafficPolicy)));
  expect(world.problems()).toEqual({});
  return world.json('cluster', 'outbound|80||reviews.default.svc.cluster.local') as unknown as ClusterJson; // JSON of this type
}

describeWith(['envoy'], 'a DestinationRule with any accepted value', () => {
  const taken = samples.filter(
    ({ trafficPolicy }) => problemsWith(destinationRule, specOf(trafficPolicy)).length === 0,
  );
  let verdicts: Readonly<Record<string, string | null>>;
  beforeAll(async () => {
    verdicts = await envoyClusterVerdicts(
      Object.fromEntries(taken.map(({ name, trafficPolicy }) => [name, clusterUnder(trafficPolicy)])),
    );
  });

  it('is accepted by a real Envoy', () => {
    const rejected = taken.flatMap(({ name }) => (verdicts[name] === null ? [] : [`${name}: ${verdicts[name]}`]));
    expect(rejected).toEqual([]);
  });

  it('covers some samples, and not all', () => {
    expect(taken.length).toBeGreaterThan(samples.length / 3);
    expect(samples.length - taken.length).toBeGreaterThan(samples.length / 10);
  });
});
