import { describe, expect, test } from 'vitest';
import { generateChain } from '../../../src/compile/generators/chains.ts';
import { generateVirtualHostBody } from '../../../src/compile/generators/routes.ts';
import { httpFilterKinds, routerAlone } from '../../../src/compile/http-filters/index.ts';
import { httpFilterKind } from '../../../src/compile/http-filters/kind.ts';
import { type HttpFilterPlan, httpFilter } from '../../../src/plan/http-filters.ts';
import { anyConnection, type FilterChainPlan } from '../../../src/plan/listener.ts';
import { encodeListener, resourceToJson } from '../../../src/proto/json.ts';
import { defaultRoute } from '../../../src/rules/kinds/virtual-service/resolve-http.ts';

/* Two filters that there are not. A kind and its line in the list are all that adding one takes. */

const jwt = httpFilter<{ readonly issuer: string }>('jwt', 'test.jwt');
const fault = httpFilter<{ readonly percent: number }, { readonly delayMs: number }>('fault', 'test.fault');

// Messages that are known stand in for those of filters that do not exist.
const text = (statPrefix: string) => ({
  '@type': 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
  statPrefix,
  cluster: 'c',
});
const jwtKind = httpFilterKind(jwt, { write: ({ issuer }) => text(issuer) });
const faultKind = httpFilterKind(fault, {
  everywhere: { percent: 0 },
  write: ({ percent }) => text(`${percent} %`),
  writeForRoute: ({ delayMs }) => text(`${delayMs} ms`),
});
const kinds = [...httpFilterKinds, faultKind, jwtKind];

const chain = (filters: readonly HttpFilterPlan[]): FilterChainPlan => ({
  listener: {
    name: '0.0.0.0_80',
    direction: 'outbound',
    binds: ['0.0.0.0'],
    port: 80,
    bindsToPort: false,
    transparent: false,
  },
  name: '',
  match: anyConnection,
  takesRest: false,
  isForUnknown: false,
  traffic: { type: 'http', routeConfiguration: '80', filters },
  takesAnyAddress: false,
  createdAtMs: 0,
  origins: [],
});

/** The filters of a connection manager that was encoded and read again: names and settings. */
function filtersOf(plan: FilterChainPlan, known = kinds) {
  const chains = [generateChain(plan, known)];
  const json = JSON.stringify(resourceToJson('listener', encodeListener({ name: 'l', filterChains: chains })));
  const [, list = ''] = /"httpFilters":(\[.*?\]),"/.exec(json) ?? [];
  const filters = JSON.parse(list) as { name: string; typedConfig: { statPrefix?: string } }[]; // what the schema says
  return filters.map(({ name, typedConfig }) => [name, typedConfig.statPrefix].filter((part) => part !== undefined));
}

describe('the HTTP filters of a listener', () => {
  test('are in the order of their stages, regardless of the order of lists and plans', () => {
    const planned = [fault.of({ percent: 5 }), jwt.of({ issuer: 'me' })];
    const want = [['test.jwt', 'me'], ['test.fault', '5 %'], ['envoy.filters.http.router']];
    expect(filtersOf(chain(planned))).toEqual(want);
    expect(filtersOf(chain(planned.toReversed()), kinds.toReversed())).toEqual(want);
  });

  test('include the filters of every listener and the planned ones, and no others', () => {
    expect(filtersOf(chain([]))).toEqual([['test.fault', '0 %'], ['envoy.filters.http.router']]);
  });

  test('omit filters that a client does not support', () => {
    expect(filtersOf(chain([jwt.of({ issuer: 'me' })]), [...routerAlone])).toEqual([['envoy.filters.http.router']]);
  });
});

describe('the settings of filters for a route', () => {
  const delayed = { ...defaultRoute('c', null), perFilter: [fault.onRoute({ delayMs: 7 })] };
  const settingsOf = (known = kinds) =>
    generateVirtualHostBody({ routes: [delayed, defaultRoute('c', null)] }, known).routes?.map(
      ({ typedPerFilterConfig }) => typedPerFilterConfig,
    );

  test('are under the name of the filter, at that route only', () => {
    expect(settingsOf()).toEqual([{ 'test.fault': text('7 ms') }, undefined]);
  });

  test('are omitted for a client that does not support the filter', () => {
    expect(settingsOf([...routerAlone])).toEqual([undefined, undefined]);
  });
});
