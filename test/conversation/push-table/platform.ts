import { labelled, type MeshObject, pod, rule, service, slice } from './base.ts';
import { type Row, ruleRow } from './row.ts';

const change = (
  kind: 'services' | 'endpoints',
  field: string,
  objects: { readonly before: readonly MeshObject[]; readonly after: readonly MeshObject[] },
  types: Row['types'],
): Row => ({ kind, field, ...objects, types });

const http = { name: 'http', port: 9080 };
const tcp = { name: 'tcp', port: 6379 };
const reviews = (more: object) => service('reviews', { clusterIP: '10.96.0.2', ports: [http], ...more });
const onReviews = (...endpoints: Parameters<typeof slice>[2]) => ({
  before: [],
  after: [slice('reviews', http, endpoints)],
});
const added = (name: string, port: { name: string; port: number }) => [
  service(name, { clusterIP: '10.96.0.9', ports: [port] }),
  slice(name, port, ['10.1.9.1']),
];
const subsets = rule('DestinationRule', { host: 'reviews', subsets: [{ name: 'v1', labels: { version: 'v1' } }] });

const mesh = (field: string, before: object, after: object, types: Row['types']): Row =>
  ruleRow('MeshConfig', field, { before, after }, types);

export const platformRows: readonly Row[] = [
  change('services', 'an HTTP service more, at a port in use', { before: [], after: added('details', http) }, [
    'cluster',
    'route',
  ]),
  change(
    'services',
    'an HTTP service more, at a port of its own',
    { before: [], after: added('details', { name: 'http', port: 9099 }) },
    ['cluster', 'listener'],
  ),
  change('services', 'a TCP service more', { before: [], after: added('queue', { name: 'tcp', port: 5672 }) }, [
    'cluster',
    'listener',
  ]),
  change('services', 'an HTTP service less', { before: added('details', http), after: [] }, ['cluster', 'route']),
  change('services', 'a TCP service less', { before: added('queue', { name: 'tcp', port: 5672 }), after: [] }, [
    'cluster',
    'listener',
  ]),
  change('services', 'clusterIP of an HTTP service', { before: [], after: [reviews({ clusterIP: '10.96.0.22' })] }, [
    'route',
  ]),
  change(
    'services',
    'clusterIP of a TCP service',
    { before: [], after: [service('db', { clusterIP: '10.96.0.44', ports: [{ name: 'tcp', port: 3306 }] })] },
    ['listener'],
  ),
  change('services', 'labels and annotations', { before: [], after: [labelled(reviews({}))] }, []),
  change(
    'services',
    'endpoints of a headless TCP service',
    { before: [], after: [slice('cache', tcp, ['10.1.4.1', '10.1.4.2'])] },
    ['listener'],
  ),
  change('endpoints', 'one more', onReviews('10.1.1.1', '10.1.1.2', '10.1.1.3'), ['endpoint']),
  change('endpoints', 'one less', onReviews('10.1.1.1'), ['endpoint']),
  change('endpoints', 'none left', onReviews(), ['endpoint']),
  change('endpoints', 'health', onReviews('10.1.1.1', { address: '10.1.1.2', ready: false }), ['endpoint']),
  change('endpoints', 'locality', onReviews('10.1.1.1', { address: '10.1.1.2', nodeName: 'node-2' }), ['endpoint']),
  change('endpoints', 'order', onReviews('10.1.1.2', '10.1.1.1'), []),
  change(
    'endpoints',
    'labels of a pod that select a subset',
    { before: [subsets], after: [subsets, pod('10.1.1.2', { app: 'reviews', version: 'v1' })] },
    ['endpoint'],
  ),
  change(
    'endpoints',
    'labels of a pod that select nothing',
    { before: [subsets], after: [subsets, pod('10.1.1.2', { app: 'reviews', version: 'v2', team: 'a' })] },
    [],
  ),
  mesh('outboundTrafficPolicy', {}, { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } }, ['listener', 'route']),
  mesh('connectTimeout', {}, { connectTimeout: '3s' }, ['cluster']),
  mesh('tcpKeepalive', {}, { tcpKeepalive: { time: '30s' } }, ['cluster']),
  mesh('h2UpgradePolicy', {}, { h2UpgradePolicy: 'UPGRADE' }, ['cluster']),
  mesh('proxyHttpPort', {}, { proxyHttpPort: 15_080 }, ['listener']),
  mesh('defaultServiceExportTo', {}, { defaultServiceExportTo: ['.'] }, []),
  mesh('rootNamespace', {}, { rootNamespace: 'mesh-root' }, []),
];
