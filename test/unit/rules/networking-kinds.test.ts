import { describe, expect, test } from 'vitest';
import { destinationRule, pendingDestinationRuleFields } from '../../../src/rules/kinds/destination-rule/index.ts';
import { sidecar } from '../../../src/rules/kinds/sidecar/index.ts';
import { virtualService } from '../../../src/rules/kinds/virtual-service/index.ts';

const route = [{ destination: { host: 'reviews' } }];
const http = (rest: object) => ({ hosts: ['reviews'], http: [rest] });

/** Returns the paths and messages of a spec's problems. */
function mistakes(
  kind: typeof virtualService | typeof destinationRule | typeof sidecar,
  spec: unknown,
): readonly string[] {
  const result = kind.spec.safeParse(spec);
  return result.success ? [] : result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('a VirtualService', () => {
  for (const { name, spec, want } of [
    { name: 'an unknown field', spec: http({ route, timout: '1s' }), want: 'http.0: Unrecognized key: "timout"' },
    {
      name: 'a timeout without unit',
      spec: http({ route, timeout: '10' }),
      want: 'http.0.timeout: a duration such as 10s or 250ms',
    },
    {
      name: 'no action',
      spec: http({ timeout: '1s' }),
      want: 'http.0.route: exactly one of route, redirect, directResponse and delegate must be set',
    },
    {
      name: 'two actions',
      spec: http({ route, redirect: { uri: '/' } }),
      want: 'http.0: exactly one of route, redirect, directResponse and delegate must be set',
    },
    {
      name: 'two ways to match one thing',
      spec: http({ match: [{ uri: { exact: '/', prefix: '/' } }], route }),
      want: 'http.0.match.0.uri: only one of exact, prefix and regex may be set',
    },
    {
      name: 'weights that are all 0',
      spec: http({
        route: [
          { ...route[0], weight: 0 },
          { ...route[0], weight: 0 },
        ],
      }),
      want: 'http.0.route: one weight must be above 0',
    },
    {
      name: 'an expression that RE2 cannot read',
      spec: http({ match: [{ uri: { regex: '/a(?=b)' } }], route }),
      want: 'http.0.match.0.uri.regex: no regular expression of RE2: invalid or unsupported Perl syntax: `(?=`',
    },
    {
      name: 'a rewrite with half a group',
      spec: http({ rewrite: { uriRegexRewrite: { match: '^/(', rewrite: '/' } }, route }),
      want: 'http.0.rewrite.uriRegexRewrite.match: no regular expression of RE2: missing closing ): `^/(`',
    },
    {
      name: 'a change of a pseudo-header',
      spec: http({ route, headers: { request: { remove: [':method'] } } }),
      want: 'http.0.headers.request.remove.0: a header name; pseudo-headers such as :path cannot be changed',
    },
    {
      name: 'a removal of the host',
      spec: http({ route, headers: { request: { remove: ['Host'] } } }),
      want: 'http.0.headers.request.remove.0: the host is changed by rewrite.authority',
    },
    {
      name: 'a wildcard within a label',
      spec: { hosts: ['re*'], http: [{ route }] },
      want: 'hosts.0: a hostname; a wildcard may only be its whole first label',
    },
    { name: 'no routes at all', spec: { hosts: ['reviews'] }, want: 'http: one of http, tls and tcp is needed' },
  ]) {
    test(`with ${name} is refused, with the path`, () => expect(mistakes(virtualService, spec)).toEqual([want]));
  }

  test('with a negative weight is refused', () => {
    expect(mistakes(virtualService, http({ route: [{ ...route[0], weight: -1 }] }))[0]).toMatch(
      /^http\.0\.route\.0\.weight: /,
    );
  });

  test('is stored as written: defaults are not added', () => {
    const spec = http({ match: [{ uri: { prefix: '/a' } }], route, retries: { attempts: 2 } });
    expect(virtualService.spec.parse(spec)).toEqual(spec);
  });
});

describe('a DestinationRule', () => {
  test('with a duplicate subset is refused', () => {
    expect(mistakes(destinationRule, { host: 'a', subsets: [{ name: 'v1' }, { name: 'v1' }] })).toEqual([
      'subsets.1.name: subset v1 occurs twice',
    ]);
  });

  test('with both kinds of load balancing is refused', () => {
    const loadBalancer = { simple: 'RANDOM', consistentHash: { useSourceIp: true } };
    expect(mistakes(destinationRule, { host: 'a', trafficPolicy: { loadBalancer } })).toEqual([
      'trafficPolicy.loadBalancer: only one of simple and consistentHash may be set',
    ]);
  });

  test('reports which of its fields have no effect yet, in every place of a policy', () => {
    const trafficPolicy = { tls: { mode: 'ISTIO_MUTUAL' as const } };
    const portLevelSettings = [{ port: { number: 80 }, loadBalancer: { zoneAwareLbSetting: { enabled: true } } }];
    const spec = destinationRule.spec.parse({
      host: 'a',
      trafficPolicy: { ...trafficPolicy, portLevelSettings },
      subsets: [{ name: 'v1', trafficPolicy: { ...trafficPolicy, portLevelSettings } }],
    });
    expect([...pendingDestinationRuleFields(spec)].sort()).toEqual([
      'spec.subsets[0].trafficPolicy.portLevelSettings[0].loadBalancer.zoneAwareLbSetting',
      'spec.subsets[0].trafficPolicy.tls',
      'spec.trafficPolicy.portLevelSettings[0].loadBalancer.zoneAwareLbSetting',
      'spec.trafficPolicy.tls',
    ]);
  });
});

describe('a Sidecar', () => {
  for (const host of ['*/*', './*', '~/*', 'shop/*.example.com', '*/reviews.prod.svc.cluster.local']) {
    test(`may let its proxies call ${host}`, () =>
      expect(mistakes(sidecar, { egress: [{ hosts: [host] }] })).toEqual([]));
  }
  for (const host of ['reviews', 'shop/', 'sh*p/a', 'a/b*c']) {
    test(`may not name ${host} as a host`, () => {
      expect(mistakes(sidecar, { egress: [{ hosts: [host] }] })[0]).toMatch(/^egress\.0\.hosts\.0: namespace\/host/);
    });
  }

  test('reports which of its fields have no effect yet', () => {
    const spec = sidecar.spec.parse({
      egress: [{ hosts: ['*/*'], port: { number: 80, protocol: 'HTTP', name: 'http' } }],
      ingress: [{ port: { number: 80, protocol: 'HTTP', name: 'http' }, defaultEndpoint: '127.0.0.1:8080' }],
    });
    expect(sidecar.pending(spec)).toEqual([]);
  });
});
