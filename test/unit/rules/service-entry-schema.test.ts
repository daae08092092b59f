import { isIP } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ipVersion } from '../../../src/lib/ip.ts';
import { serviceEntry } from '../../../src/rules/kinds/service-entry/index.ts';
import { workloadEntry } from '../../../src/rules/kinds/workload-entry/index.ts';

const good = {
  hosts: ['api.example.com', 'API2.example.com'],
  addresses: ['240.0.0.1', '240.0.1.0/24'],
  ports: [
    { number: 443, name: 'tls', protocol: 'TLS', targetPort: 8443 },
    { number: 80, name: 'web', protocol: 'HTTP2' },
  ],
  location: 'MESH_EXTERNAL',
  resolution: 'STATIC',
  endpoints: [
    {
      address: '10.0.0.1',
      ports: { tls: 9443 },
      labels: { a: 'b' },
      network: 'n',
      locality: 'r/z',
      weight: 3,
      serviceAccount: 's',
    },
  ],
  exportTo: ['.'],
  subjectAltNames: ['spiffe://x'],
};

test('every field of the published API is accepted', () => {
  expect(serviceEntry.spec.safeParse(good)).toMatchObject({ success: true });
});

const { endpoints: _, ...bare } = good;

for (const { name, spec, path } of [
  { name: 'no hosts', spec: { ...good, hosts: [] }, path: 'hosts' },
  { name: 'everything as host', spec: { ...good, hosts: ['*'] }, path: 'hosts.0' },
  { name: 'no hostname', spec: { ...good, hosts: ['a b'] }, path: 'hosts.0' },
  {
    name: 'wildcard that is to be resolved',
    spec: { ...bare, addresses: [], hosts: ['*.example.com'], resolution: 'DNS' },
    path: 'hosts.0',
  },
  {
    name: 'wildcard for one address of a name',
    spec: { ...bare, addresses: [], hosts: ['*.example.com'], resolution: 'DNS_ROUND_ROBIN' },
    path: 'hosts.0',
  },
  { name: 'no address', spec: { ...good, addresses: ['10.0.0.0/33'] }, path: 'addresses.0' },
  { name: 'a range of addresses with DNS', spec: { ...bare, resolution: 'DNS' }, path: 'addresses.1' },
  {
    name: 'a port name twice',
    spec: { ...good, ports: [good.ports[0], { number: 81, name: 'tls', protocol: 'TLS' }] },
    path: 'ports.1.name',
  },
  {
    name: 'a port number twice',
    spec: { ...good, ports: [good.ports[0], { number: 443, name: 'x', protocol: 'TLS' }] },
    path: 'ports.1.number',
  },
  { name: 'a port without a name', spec: { ...bare, ports: [{ number: 1 }] }, path: 'ports.0.name' },
  {
    name: 'an unknown protocol',
    spec: { ...bare, hosts: ['api.example.com'], ports: [{ number: 1, name: 'x', protocol: 'SMTP' }] },
    path: 'ports.0.protocol',
  },
  {
    name: 'a name as static endpoint',
    spec: { ...good, endpoints: [{ address: 'a.example.com' }] },
    path: 'endpoints.0.address',
  },
  { name: 'endpoints without resolution', spec: { ...good, resolution: 'NONE' }, path: 'endpoints' },
  {
    name: 'two endpoints for one name',
    spec: {
      ...good,
      addresses: [],
      resolution: 'DNS_ROUND_ROBIN',
      endpoints: [{ address: 'a.b' }, { address: 'c.d' }],
    },
    path: 'endpoints',
  },
  {
    name: 'both selector and endpoints',
    spec: { ...good, workloadSelector: { labels: {} } },
    path: 'workloadSelector',
  },
  {
    name: 'a port of an endpoint that the entry has not',
    spec: { ...good, endpoints: [{ address: '1.1.1.1', ports: { x: 1 } }] },
    path: 'endpoints.0.ports.x',
  },
  { name: 'an unknown field', spec: { ...good, endpoints: [{ address: '1.1.1.1', wieght: 1 }] }, path: 'endpoints.0' },
]) {
  test(`refused with its path: ${name}`, () => {
    const result = serviceEntry.spec.safeParse(spec);
    expect(result.error?.issues.map((issue) => issue.path.join('.'))).toEqual([path]);
  });
}

test('a wildcard is valid with NONE, and with DNS when there are endpoints', () => {
  const none = {
    hosts: ['*.example.com'],
    resolution: 'NONE',
    ports: [{ number: 80, name: 'http', protocol: 'http' }],
  };
  const dns = { ...none, resolution: 'DNS', endpoints: [{ address: 'a.example.com' }] };
  expect(serviceEntry.spec.safeParse(none).success).toBe(true);
  expect(serviceEntry.spec.safeParse(dns).success).toBe(true);
});

test('a workload needs an address or a network', () => {
  expect(workloadEntry.spec.safeParse({ network: 'n' }).success).toBe(true);
  expect(workloadEntry.spec.safeParse({}).error?.issues[0]?.path).toEqual(['address']);
  expect(workloadEntry.spec.safeParse({ address: '1.1.1.1', ports: { http: 70_000 } }).error?.issues[0]?.path).toEqual([
    'ports',
    'http',
  ]);
});

test('addresses are recognised as Node recognises them', () => {
  const almost = fc.string({ unit: fc.constantFrom('0', '1', '9', 'a', 'f', ':', '.', '::'), maxLength: 14 });
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string(), almost), (text) => {
      expect(ipVersion(text)).toBe(isIP(text));
    }),
    { numRuns: 3_000 },
  );
});
