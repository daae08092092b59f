import { type MeshObject, rule } from './base.ts';
import { type Row, ruleRow } from './row.ts';

const http = { number: 80, name: 'http', protocol: 'HTTP' };
const entry = (more: object = {}) => ({
  hosts: ['machine.test'],
  addresses: ['10.80.0.1'],
  location: 'MESH_INTERNAL',
  resolution: 'STATIC',
  ports: [http],
  endpoints: [{ address: '10.8.0.1' }],
  ...more,
});
const selecting = entry({ endpoints: undefined, workloadSelector: { labels: { app: 'machine' } } });
const dns = { resolution: 'DNS', endpoints: [{ address: 'a.example.com' }] };
const change = (field: string, before: object | null, after: object | null, types: Row['types']): Row =>
  ruleRow('ServiceEntry', field, { before, after }, types);

const machine = (more: object = {}) => ({ address: '10.8.0.2', labels: { app: 'machine' }, ...more });
const selected = (resolution: string): readonly MeshObject[] => [
  rule('ServiceEntry', { ...selecting, resolution }, { name: 'selecting' }),
];
const onMachine = (field: string, before: object | null, after: object | null): Row =>
  ruleRow('WorkloadEntry', field, { before, after, beside: selected('STATIC') }, ['endpoint']);

export const serviceEntryRows: readonly Row[] = [
  change('a host of HTTP more', null, entry(), ['cluster', 'route']),
  change('a host of HTTP less', entry(), null, ['cluster', 'route']),
  change(
    'a port with a new number',
    entry(),
    entry({ ports: [http, { number: 8081, name: 'http-2', protocol: 'HTTP' }] }),
    ['cluster', 'listener'],
  ),
  change('a TCP port', entry(), entry({ ports: [http, { number: 9000, name: 'tcp', protocol: 'TCP' }] }), [
    'cluster',
    'listener',
  ]),
  change('endpoints', entry(), entry({ endpoints: [{ address: '10.8.0.1' }, { address: '10.8.0.2' }] }), ['endpoint']),
  change('endpoints.weight', entry(), entry({ endpoints: [{ address: '10.8.0.1', weight: 5 }] }), ['endpoint']),
  change('endpoints resolved with DNS', entry(dns), entry({ ...dns, endpoints: [{ address: 'b.example.com' }] }), [
    'cluster',
  ]),
  change('resolution', entry(), entry(dns), ['cluster']),
  change('addresses', entry(), entry({ addresses: ['10.80.0.2'] }), ['route']),
  change('hosts', entry(), entry({ hosts: ['machine.test', 'other.test'] }), ['cluster', 'route']),
  change('exportTo', entry(), entry({ exportTo: ['~'] }), ['cluster', 'route']),
  change('exportTo others', null, entry({ exportTo: ['other'] }), []),
  ruleRow(
    'ServiceEntry',
    'workloadSelector',
    {
      before: selecting,
      after: { ...selecting, workloadSelector: { labels: { app: 'other' } } },
      beside: [rule('WorkloadEntry', machine())],
    },
    ['endpoint'],
  ),
  onMachine('none to one', null, machine()),
  onMachine('removal', machine(), null),
  onMachine('address', machine(), machine({ address: '10.8.0.3' })),
  onMachine('weight', machine(), machine({ weight: 5 })),
  onMachine('ports', machine(), machine({ ports: { http: 8080 } })),
  onMachine('labels that are selected', machine({ labels: { app: 'other' } }), machine()),
  ruleRow(
    'WorkloadEntry',
    'labels that nothing selects',
    { before: machine(), after: machine({ labels: { app: 'machine', team: 'a' } }) },
    [],
  ),
  ruleRow(
    'WorkloadGroup',
    'none to one',
    { before: null, after: { template: { labels: { app: 'machine' } } }, beside: selected('STATIC') },
    [],
  ),
  ruleRow(
    'WorkloadGroup',
    'template',
    {
      before: { template: { weight: 1 } },
      after: { template: { weight: 2, ports: { http: 8080 } } },
      beside: selected('STATIC'),
    },
    [],
  ),
  ruleRow(
    'WorkloadGroup',
    'metadata',
    { before: { template: {} }, after: { metadata: { labels: { app: 'machine' } }, template: {} } },
    [],
  ),
];
