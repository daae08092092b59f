import { type Row, ruleRow } from './row.ts';

const everything = { hosts: ['*/*'] };
const plain = { egress: [everything] };
const change = (field: string, before: object | null, after: object | null, types: Row['types']): Row =>
  ruleRow('Sidecar', field, { before, after }, types);
const ingress = (more: object) => ({
  ...plain,
  ingress: [{ port: { number: 8080, name: 'http', protocol: 'HTTP' }, defaultEndpoint: '127.0.0.1:8080', ...more }],
});

export const sidecarRows: readonly Row[] = [
  change('none to one that says nothing new', null, plain, []),
  change(
    'egress.hosts without an HTTP service',
    plain,
    {
      egress: [
        {
          hosts: [
            './web.shop.svc.cluster.local',
            './reviews.shop.svc.cluster.local',
            './db.shop.svc.cluster.local',
            './cache.shop.svc.cluster.local',
          ],
        },
      ],
    },
    ['cluster', 'route'],
  ),
  change(
    'egress.hosts without a TCP service',
    plain,
    { egress: [{ hosts: ['*/*', '~shop/db.shop.svc.cluster.local'] }] },
    ['cluster', 'listener'],
  ),
  change('egress.hosts with all', { egress: [{ hosts: ['./db.shop.svc.cluster.local'] }] }, null, [
    'cluster',
    'listener',
  ]),
  change(
    'egress.port',
    plain,
    {
      egress: [
        { port: { number: 9080, name: 'http', protocol: 'HTTP' }, hosts: ['./reviews.shop.svc.cluster.local'] },
        everything,
      ],
    },
    ['route'],
  ),
  change(
    'outboundTrafficPolicy',
    { ...plain, outboundTrafficPolicy: { mode: 'ALLOW_ANY' } },
    { ...plain, outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } },
    ['listener', 'route'],
  ),
  change('ingress', plain, ingress({}), ['cluster', 'listener']),
  change('ingress.defaultEndpoint', ingress({}), ingress({ defaultEndpoint: '127.0.0.1:8090' }), ['cluster']),
  change('ingress.connectionPool', ingress({}), ingress({ connectionPool: { tcp: { maxConnections: 7 } } }), [
    'cluster',
  ]),
  change('inboundConnectionPool', plain, { ...plain, inboundConnectionPool: { http: { http2MaxRequests: 7 } } }, [
    'cluster',
  ]),
  change(
    'workloadSelector of others',
    null,
    { workloadSelector: { labels: { app: 'other' } }, egress: [{ hosts: ['./db.shop.svc.cluster.local'] }] },
    [],
  ),
];
