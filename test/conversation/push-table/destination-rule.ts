import { rule, slice } from './base.ts';
import { type Row, ruleRow } from './row.ts';

const of = (trafficPolicy: object) => ({ host: 'reviews', trafficPolicy });
const ofDb = (trafficPolicy: object) => ({ host: 'db', trafficPolicy });
const plain = { host: 'reviews' };
const ofRoot = (exportTo: readonly string[]) =>
  rule(
    'DestinationRule',
    { ...of({ loadBalancer: { simple: 'RANDOM' } }), host: 'reviews.shop.svc.cluster.local', exportTo },
    { namespace: 'istio-system' },
  );
const subset = (name: string, more: object = {}) => ({ name, labels: { version: name }, ...more });

const inTwoZones = slice('reviews', { name: 'http', port: 9080 }, [
  { address: '10.1.1.1', nodeName: 'node-1' },
  { address: '10.1.1.2', nodeName: 'node-2' },
]);

const inCluster = (field: string, trafficPolicy: object): Row =>
  ruleRow('DestinationRule', field, { before: plain, after: of(trafficPolicy) }, ['cluster']);

/** A DestinationRule changes clusters, the order of endpoints, and what routes and TCP proxies need for them. */
export const destinationRuleRows: readonly Row[] = [
  ruleRow('DestinationRule', 'none to one that says nothing new', { before: null, after: plain }, []),
  inCluster('loadBalancer.simple', { loadBalancer: { simple: 'RANDOM' } }),
  inCluster('loadBalancer.warmup', { loadBalancer: { simple: 'ROUND_ROBIN', warmup: { duration: '30s' } } }),
  inCluster('connectionPool.tcp', { connectionPool: { tcp: { maxConnections: 10, connectTimeout: '1s' } } }),
  inCluster('connectionPool.http', { connectionPool: { http: { http1MaxPendingRequests: 10 } } }),
  inCluster('outlierDetection', { outlierDetection: { consecutive5xxErrors: 3 } }),
  inCluster('tls', { tls: { mode: 'SIMPLE', sni: 'reviews.test' } }),
  inCluster('proxyProtocol', { proxyProtocol: { version: 'V2' } }),
  inCluster('portLevelSettings', {
    portLevelSettings: [{ port: { number: 9080 }, loadBalancer: { simple: 'RANDOM' } }],
  }),
  ruleRow(
    'DestinationRule',
    'loadBalancer.consistentHash',
    { before: plain, after: of({ loadBalancer: { consistentHash: { httpHeaderName: 'x-user' } } }) },
    ['cluster', 'route'],
  ),
  ruleRow(
    'DestinationRule',
    'loadBalancer.localityLbSetting',
    {
      before: of({ outlierDetection: { consecutive5xxErrors: 3 } }),
      after: of({
        outlierDetection: { consecutive5xxErrors: 3 },
        loadBalancer: { localityLbSetting: { failoverPriority: ['topology.kubernetes.io/region'] } },
      }),
      beside: [inTwoZones],
    },
    ['cluster', 'endpoint'],
  ),
  ruleRow('DestinationRule', 'a subset more', { before: plain, after: { ...plain, subsets: [subset('v1')] } }, [
    'cluster',
  ]),
  ruleRow(
    'DestinationRule',
    'a subset less',
    { before: { ...plain, subsets: [subset('v1'), subset('v2')] }, after: { ...plain, subsets: [subset('v1')] } },
    ['cluster'],
  ),
  ruleRow(
    'DestinationRule',
    'labels of a subset',
    {
      before: { ...plain, subsets: [subset('v1')] },
      after: { ...plain, subsets: [subset('v1', { labels: { version: 'v2' } })] },
    },
    ['endpoint'],
  ),
  ruleRow(
    'DestinationRule',
    'policy of a subset',
    {
      before: { ...plain, subsets: [subset('v1')] },
      after: { ...plain, subsets: [subset('v1', { trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } })] },
    },
    ['cluster'],
  ),
  ruleRow(
    'DestinationRule',
    'connectionPool.tcp of a TCP service',
    { before: ofDb({}), after: ofDb({ connectionPool: { tcp: { maxConnections: 10, idleTimeout: '5s' } } }) },
    ['cluster', 'listener'],
  ),
  ruleRow(
    'DestinationRule',
    'loadBalancer.consistentHash.useSourceIp of a TCP service',
    { before: ofDb({}), after: ofDb({ loadBalancer: { consistentHash: { useSourceIp: true } } }) },
    ['cluster', 'listener'],
  ),
  ruleRow(
    'DestinationRule',
    'tunnel of a TCP service',
    { before: ofDb({}), after: ofDb({ tunnel: { targetHost: 'db.test', targetPort: 3306 } }) },
    ['listener'],
  ),
  {
    kind: 'DestinationRule',
    field: 'exportTo without the namespace of the proxy',
    before: [ofRoot(['*'])],
    after: [ofRoot(['.'])],
    types: ['cluster'],
  },
  ruleRow(
    'DestinationRule',
    'workloadSelector of others',
    {
      before: null,
      after: { ...of({ loadBalancer: { simple: 'RANDOM' } }), workloadSelector: { matchLabels: { app: 'other' } } },
    },
    [],
  ),
];
