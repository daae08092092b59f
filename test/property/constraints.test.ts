import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hostname } from '../../src/model/names.ts';
import { resourceViolation } from '../../src/proto/json.ts';
import { xdsTypes } from '../../src/proto/resource.ts';
import type { Rule } from '../../src/rules/rule.ts';
import { endpoint } from '../support/model.ts';
import { runs } from '../support/property-runs.ts';
import { compiledWorld, endpointsOf, proxy, rule, service } from '../support/world.ts';

/** Values that the API would refuse, among others that it would accept. */
const text = fc.constantFrom('', 'a', '/a', 'a\n', '\0', '\r', 'x'.repeat(1_025), 'x'.repeat(16_385));
const count = fc.constantFrom(0, 1, -1, 599, 600, 65_536, 4_294_967_295, 4_294_967_296, 0.5);
const duration = fc.constantFrom('0s', '1s', '1us', '-1s', '0.0001ms');

const route = fc.record(
  {
    name: text,
    match: fc.array(
      fc.record(
        {
          uri: fc.oneof(fc.record({ exact: text }), fc.record({ prefix: text }), fc.record({ regex: text })),
          headers: fc.dictionary(text, fc.record({ exact: text })),
          queryParams: fc.dictionary(text, fc.record({ prefix: text })),
        },
        { requiredKeys: [] },
      ),
      { maxLength: 2 },
    ),
    rewrite: fc.record({ uri: text, authority: text }, { requiredKeys: [] }),
    redirect: fc.record({ uri: text, authority: text, port: count }, { requiredKeys: [] }),
    directResponse: fc.record({ status: count }),
    timeout: duration,
    retries: fc.record({ attempts: count, perTryTimeout: duration, backoff: duration, retryOn: text }),
    headers: fc.record({ request: fc.record({ set: fc.dictionary(text, text), remove: fc.array(text) }) }),
    weight: count,
  },
  { requiredKeys: [] },
);

const policy = fc.record(
  {
    connectionPool: fc.record({
      tcp: fc.record({
        maxConnections: count,
        connectTimeout: duration,
        tcpKeepalive: fc.record({ probes: count, time: duration }),
      }),
      http: fc.record({ maxRequestsPerConnection: count, idleTimeout: duration }),
    }),
    outlierDetection: fc.record({ consecutive5xxErrors: count, interval: duration, maxEjectionPercent: count }),
  },
  { requiredKeys: [] },
);

/** Rules and services that the API would refuse. */
const mess = fc.record({
  routes: fc.array(route, { maxLength: 3 }),
  policy,
  aliases: fc.array(text, { maxLength: 2 }),
  weights: fc.array(count, { maxLength: 3 }),
  port: count,
});

const withSpec = (valid: Rule, spec: object): Rule => ({ ...valid, spec });

describe('a host with any contents', () => {
  test('no table contains a resource that Envoy would reject, and other hosts are served', () => {
    fc.assert(
      fc.property(mess, ({ routes, policy: trafficPolicy, aliases, weights, port }) => {
        const world = compiledWorld();
        const bad = service('bad', { aliases: aliases.map(hostname) });
        const good = service('good');
        const destination = { host: 'bad' };
        const http = routes.map(({ weight, ...it }) => ({ route: [{ destination, weight }], ...it }));
        const plain = { hosts: ['bad'], http: [{ route: [{ destination }] }] };
        world.apply(
          good,
          endpointsOf(good, [endpoint('10.1.0.1')]),
          bad,
          endpointsOf(
            bad,
            weights.map((weight, index) =>
              endpoint(`10.2.0.${index}`, { weight, ports: { http: index === 0 ? port : 80 } }),
            ),
          ),
          withSpec(rule('VirtualService', 'bad', plain), { hosts: ['bad'], http }),
          withSpec(rule('DestinationRule', 'bad', destination), { ...destination, trafficPolicy }),
        );

        for (const of of [
          proxy(),
          proxy({ addresses: ['10.2.0.0'] }),
          proxy({ client: 'grpc' }),
          proxy({ client: 'mosn' }),
        ]) {
          for (const type of xdsTypes) {
            for (const resource of world.table(type, of).values()) {
              expect([resource.name, resourceViolation(type, resource)]).toEqual([resource.name, null]);
            }
          }
          expect(world.names('cluster', of)).toContain('outbound|80||good.default.svc.cluster.local');
          expect(world.names('endpoint', of)).toContain('outbound|80||good.default.svc.cluster.local');
        }
      }),
      { numRuns: runs(40) },
    );
  });
});
