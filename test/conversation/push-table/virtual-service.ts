import { rule } from './base.ts';
import { type Row, ruleRow } from './row.ts';

const to = (host: string, more: object = {}) => ({ destination: { host, ...more } });
const toReviews = { route: [to('reviews')] };
/** A VirtualService of `reviews` with one route. */
const http = (route: object) => ({ hosts: ['reviews'], http: [{ ...toReviews, ...route }] });
const plain = http({});
const tcp = (route: object) => ({ hosts: ['db'], tcp: [{ route: [to('db')], ...route }] });
const ofEdge = { gateways: ['edge'] };

const inRoute = (field: string, route: object): Row =>
  ruleRow('VirtualService', field, { before: plain, after: http(route) }, ['route']);

const versions = rule('DestinationRule', {
  host: 'reviews',
  subsets: ['v1', 'v2'].map((version) => ({ name: version, labels: { version } })),
});
const shares = (v1: number) =>
  http({
    route: [
      { ...to('reviews', { subset: 'v1' }), weight: v1 },
      { ...to('reviews', { subset: 'v2' }), weight: 100 - v1 },
    ],
  });
const machine = { hosts: ['tls.test'], location: 'MESH_EXTERNAL', resolution: 'STATIC' };
const overTls = rule('ServiceEntry', {
  ...machine,
  addresses: ['10.80.0.1'],
  ports: [{ number: 443, name: 'tls', protocol: 'TLS' }],
  endpoints: [{ address: '10.8.0.1' }],
});
const sni = (host: string) => ({
  hosts: ['tls.test'],
  tls: [{ match: [{ port: 443, sniHosts: ['tls.test'] }], route: [to(host)] }],
});

/** A VirtualService changes routes; its TCP and TLS routes are in listeners. */
export const virtualServiceRows: readonly Row[] = [
  ruleRow('VirtualService', 'none to one that says nothing new', { before: null, after: plain }, ['route']),
  ruleRow('VirtualService', 'removal', { before: http({ timeout: '2s' }), after: null }, ['route']),
  inRoute('timeout', { timeout: '2s' }),
  inRoute('retries', { retries: { attempts: 5, retryOn: '5xx' } }),
  inRoute('match', { match: [{ uri: { prefix: '/v2' }, headers: { 'x-tester': { exact: 'yes' } } }] }),
  inRoute('match.sourceLabels of others', { match: [{ sourceLabels: { app: 'other' } }] }),
  inRoute('rewrite', { rewrite: { uri: '/new' } }),
  inRoute('headers', { headers: { request: { set: { 'x-from': 'web' } } } }),
  inRoute('mirror', { mirror: { host: 'ratings' }, mirrorPercentage: { value: 10 } }),
  inRoute('redirect', { route: undefined, redirect: { uri: '/moved' } }),
  inRoute('directResponse', { route: undefined, directResponse: { status: 404 } }),
  inRoute('fault', { fault: { abort: { httpStatus: 503, percentage: { value: 10 } } } }),
  inRoute('corsPolicy', { corsPolicy: { allowOrigins: [{ exact: 'https://shop.example.com' }] } }),
  inRoute('destination', { route: [to('ratings')] }),
  ruleRow('VirtualService', 'weights', { before: shares(90), after: shares(50), beside: [versions] }, ['route']),
  ruleRow('VirtualService', 'hosts', { before: plain, after: { ...plain, hosts: ['reviews', 'ratings'] } }, ['route']),
  ruleRow(
    'VirtualService',
    'exportTo',
    { before: http({ timeout: '2s' }), after: { ...http({ timeout: '2s' }), exportTo: ['other'] } },
    ['route'],
  ),
  ruleRow(
    'VirtualService',
    'gateways without mesh',
    { before: { ...plain, ...ofEdge }, after: { ...http({ timeout: '2s' }), ...ofEdge } },
    [],
  ),
  ruleRow('VirtualService', 'tcp', { before: tcp({}), after: tcp({ route: [to('ratings')] }) }, ['listener']),
  ruleRow('VirtualService', 'tls', { before: sni('tls.test'), after: sni('db'), beside: [overTls] }, ['listener']),
];
