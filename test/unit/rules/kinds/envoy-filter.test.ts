import { describe, expect, it } from 'vitest';
import { envoyFilter } from '../../../../src/rules/kinds/envoy-filter/index.ts';
import { accepts, refuses } from '../../../support/bad-specs.ts';

const value = { name: 'example' };
const merge = { operation: 'MERGE', value };
const patches = (...configPatches: readonly object[]) => ({ configPatches });
const connectionManager = 'envoy.filters.network.http_connection_manager';
const inFilter = (filter: object) => ({ listener: { filterChain: { filter } } });

describe('an EnvoyFilter', () => {
  accepts(envoyFilter, {
    'every field of a match': {
      workloadSelector: { labels: { app: 'shop' } },
      priority: -10,
      configPatches: [
        {
          applyTo: 'HTTP_FILTER',
          match: {
            context: 'SIDECAR_INBOUND',
            proxy: { proxyVersion: '^1\\.2[0-9].*', metadata: { TEAM: 'shop' } },
            listener: {
              name: 'virtualInbound',
              portNumber: 15_006,
              portName: 'http',
              filterChain: {
                name: 'default',
                sni: 'shop.example.com',
                transportProtocol: 'tls',
                applicationProtocols: 'h2,http/1.1',
                destinationPort: 8080,
                filter: { name: connectionManager, subFilter: { name: 'envoy.filters.http.router' } },
              },
              listenerFilter: 'envoy.filters.listener.tls_inspector',
            },
          },
          patch: {
            operation: 'INSERT_BEFORE',
            filterClass: 'AUTHZ',
            value: {
              name: 'envoy.filters.http.lua',
              typed_config: {
                '@type': 'type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua',
                default_source_code: { inline_string: 'function envoy_on_request(handle) end' },
              },
            },
          },
        },
        {
          applyTo: 'HTTP_ROUTE',
          match: {
            context: 'GATEWAY',
            routeConfiguration: {
              name: 'http.80',
              portNumber: 80,
              portName: 'http',
              gateway: 'shop/edge',
              vhost: { name: 'shop:80', domainName: 'shop', route: { name: 'default', action: 'ROUTE' } },
            },
          },
          patch: { operation: 'MERGE_AND_REPLACE_LIST', value: {} },
        },
        {
          applyTo: 'CLUSTER',
          match: { cluster: { name: '', service: 'a.shop.svc.cluster.local', subset: 'v1', portNumber: 80 } },
          patch: { operation: 'REMOVE' },
        },
        {
          applyTo: 'NETWORK_FILTER',
          match: {
            context: 'WAYPOINT',
            waypoint: {
              portNumber: 80,
              filter: { name: connectionManager, subFilter: { name: 'x' } },
              route: { name: 'default' },
            },
          },
          patch: { operation: 'REPLACE', value },
        },
        { applyTo: 'BOOTSTRAP', patch: merge },
        { applyTo: 'EXTENSION_CONFIG', patch: { operation: 'ADD', value } },
      ],
    },
    'a target': {
      targetRefs: [{ kind: 'Gateway', group: 'gateway.networking.k8s.io', name: 'edge' }],
      configPatches: [],
    },
  });

  refuses(envoyFilter, [
    {
      name: 'a patch of nothing with nothing',
      spec: patches({}),
      want: [
        ['spec.configPatches[0].applyTo', 'must say what is patched'],
        ['spec.configPatches[0].patch.operation', 'must say what is done'],
      ],
    },
    {
      name: 'an addition of nothing',
      spec: patches({ applyTo: 'CLUSTER', patch: { operation: 'ADD' } }),
      want: [['spec.configPatches[0].patch.value', 'is required with operation ADD']],
    },
    {
      name: 'a part that is none',
      spec: patches({ applyTo: 'HTTP_FILTERS', patch: merge }),
      want: [['spec.configPatches[0].applyTo', 'did you mean "HTTP_FILTER"?']],
    },
    {
      name: 'a value that is a text',
      spec: patches({ applyTo: 'CLUSTER', patch: { operation: 'MERGE', value: 'lb_policy: RANDOM' } }),
      want: [['spec.configPatches[0].patch.value', 'expected record']],
    },
    {
      name: 'a cluster that is found by its listener',
      spec: patches({ applyTo: 'CLUSTER', match: { listener: {} }, patch: merge }),
      want: [['spec.configPatches[0].match.listener', 'cannot match CLUSTER, which is found by cluster']],
    },
    {
      name: 'a filter that is found by its route',
      spec: patches({ applyTo: 'HTTP_FILTER', match: { routeConfiguration: {} }, patch: merge }),
      want: [
        ['spec.configPatches[0].match.routeConfiguration', 'cannot match HTTP_FILTER, which is found by listener'],
      ],
    },
    {
      name: 'two matches at once',
      spec: patches({ applyTo: 'CLUSTER', match: { listener: {}, cluster: {} }, patch: merge }),
      want: [['spec.configPatches[0].match', 'only one of listener, routeConfiguration, cluster and waypoint']],
    },
    {
      name: 'a waypoint elsewhere',
      spec: patches({ applyTo: 'CLUSTER', match: { waypoint: {} }, patch: merge }),
      want: [['spec.configPatches[0].match.waypoint', 'only with context WAYPOINT']],
    },
    {
      name: 'a waypoint that is not said',
      spec: patches({ applyTo: 'CLUSTER', match: { context: 'WAYPOINT' }, patch: merge }),
      want: [['spec.configPatches[0].match.waypoint', 'is required']],
    },
    {
      name: 'an expression that RE2 cannot read',
      spec: patches({ applyTo: 'CLUSTER', match: { proxy: { proxyVersion: '(?=1)' } }, patch: merge }),
      want: [['spec.configPatches[0].match.proxy.proxyVersion', 'no regular expression of RE2']],
    },
    {
      name: 'filters that are not named, or within one that has none',
      spec: patches(
        { applyTo: 'NETWORK_FILTER', match: inFilter({}), patch: merge },
        { applyTo: 'NETWORK_FILTER', match: inFilter({ name: connectionManager, subFilter: {} }), patch: merge },
        { applyTo: 'HTTP_FILTER', match: inFilter({ name: 'tcp', subFilter: { name: 'a' } }), patch: merge },
        { applyTo: 'HTTP_FILTER', match: inFilter({ name: connectionManager, subFilter: {} }), patch: merge },
      ),
      want: [
        ['spec.configPatches[0].match.listener.filterChain.filter.name', 'must name the filter'],
        ['spec.configPatches[1].match.listener.filterChain.filter.subFilter', 'only with applyTo HTTP_FILTER'],
        ['spec.configPatches[2].match.listener.filterChain.filter.name', `must be ${connectionManager}`],
        ['spec.configPatches[3].match.listener.filterChain.filter.subFilter.name', 'must name the filter'],
      ],
    },
    {
      name: 'a selector beside a target',
      spec: { workloadSelector: {}, targetRefs: [] },
      want: [['spec', 'only one of workloadSelector and targetRefs']],
    },
    {
      name: 'a wildcard in a selector',
      spec: { workloadSelector: { labels: { app: '*' } } },
      want: [['spec.workloadSelector.labels.app', 'wildcards are not supported']],
    },
  ]);

  it('warns of operations without effect, which Istio accepts', () => {
    const spec = envoyFilter.spec.parse(
      patches(
        { applyTo: 'ROUTE_CONFIGURATION', patch: { operation: 'REMOVE' } },
        { applyTo: 'CLUSTER', patch: { operation: 'REPLACE', value } },
        { applyTo: 'CLUSTER', patch: merge },
      ),
    );
    expect(envoyFilter.doubts?.(spec)).toEqual([
      {
        path: 'spec.configPatches[0].patch.operation',
        message: expect.stringContaining('no effect on a route configuration'),
      },
      { path: 'spec.configPatches[1].patch.operation', message: expect.stringContaining('has no effect on CLUSTER') },
    ]);
  });
});
