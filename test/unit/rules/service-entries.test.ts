import { expect, test } from 'vitest';
import { createServiceEntryIndex, type ServiceEntryIndex } from '../../../src/rules/service-entries/index.ts';
import { service, workload } from '../../support/model.ts';
import { rule, ruleIdOf } from '../../support/rules.ts';

const http = { number: 80, name: 'http', protocol: 'HTTP', targetPort: 8080 };

/** Returns the reported endpoints by host. */
const told = (index: ServiceEntryIndex) =>
  Object.fromEntries(
    index
      .takeChanges()
      .flatMap((change) =>
        change.type === 'endpoints'
          ? [[change.set.hostname, change.set.endpoints.map(({ address, ports }) => `${address}:${ports.http}`)]]
          : [],
      ),
  );

/** A ServiceEntry for a.x that selects workloads with these labels. */
const selecting = (labels: Readonly<Record<string, string>>) =>
  rule('ServiceEntry', 'se', {
    hosts: ['a.x'],
    ports: [http],
    resolution: 'STATIC',
    workloadSelector: { labels },
  });

test('one service for each host, with the inline endpoints', () => {
  const index = createServiceEntryIndex();
  const endpoints = [
    { address: '10.0.0.1', weight: 0, locality: 'r/z', labels: { v: '1' } },
    { address: '10.0.0.2', ports: { http: 9090 } },
  ];
  index.ruleChanged(
    rule('ServiceEntry', 'se', {
      hosts: ['a.x', 'B.x'],
      ports: [http],
      resolution: 'STATIC',
      endpoints,
      addresses: ['240.0.0.1', '240.0.0.2/32', '241.0.0.0/8'],
      exportTo: ['.'],
    }),
  );
  const changes = index.takeChanges();
  expect(changes.flatMap((change) => (change.type === 'service' ? [change.service] : []))).toMatchObject([
    {
      hostname: 'a.x',
      registry: 'service-entry',
      external: true,
      resolution: 'static',
      exportTo: ['.'],
      vips: ['240.0.0.1', '240.0.0.2', '241.0.0.0/8'],
      createdAtMs: Date.UTC(2026, 0, 1),
    },
    { hostname: 'b.x', ports: [{ name: 'http', number: 80, protocol: 'http' }] },
  ]);
  expect(changes[1]).toMatchObject({
    type: 'endpoints',
    set: {
      endpoints: [
        { address: '10.0.0.1', ports: { http: 8080 }, weight: 1, locality: 'r/z', labels: { v: '1' } },
        { address: '10.0.0.2', ports: { http: 9090 } },
      ],
    },
  });
  expect(index.problems().size).toBe(0);
});

test('with DNS and no endpoints, the host is the endpoint', () => {
  const index = createServiceEntryIndex();
  index.ruleChanged(
    rule('ServiceEntry', 'se', {
      hosts: ['api.example.com'],
      ports: [{ number: 443, name: 'http' }],
      resolution: 'DNS',
    }),
  );
  expect(told(index)).toEqual({ 'api.example.com': ['api.example.com:443'] });
});

test('a selector chooses WorkloadEntries, Pods and registered instances of its own namespace', () => {
  const index = createServiceEntryIndex();
  index.ruleChanged(selecting({ app: 'a' }));
  expect(told(index)).toEqual({ 'a.x': [] });
  index.ruleChanged(rule('WorkloadEntry', 'vm', { address: '10.0.0.1', labels: { app: 'a' }, ports: { http: 81 } }));
  index.ruleChanged(
    rule('WorkloadEntry', 'far', { address: '10.0.0.2', labels: { app: 'a' } }, { namespace: 'other' }),
  );
  index.ruleChanged(rule('WorkloadEntry', 'else', { address: '10.0.0.3', labels: { app: 'b' } }));
  index.workloadChanged('k8s', workload('pod', { addresses: ['10.0.0.4'], labels: { app: 'a', v: '1' } }));
  expect(told(index)).toEqual({ 'a.x': ['10.0.0.1:81', '10.0.0.4:8080'] });
  index.workloadRemoved('k8s', 'default', 'pod');
  index.ruleChanged(rule('WorkloadEntry', 'vm', { address: '10.0.0.1', labels: { app: 'b' } }));
  expect(told(index)).toEqual({ 'a.x': [] });
});

test('equal names in two namespaces or on two platforms are different workloads; those without an address are ignored', () => {
  const index = createServiceEntryIndex();
  const labels = { app: 'a' };
  index.ruleChanged(selecting(labels));
  index.workloadChanged('k8s', workload('pod', { addresses: [], labels }));
  expect(told(index)).toEqual({ 'a.x': [] });
  index.workloadChanged('k8s', workload('pod', { addresses: ['10.0.0.1'], labels }));
  index.workloadChanged('vms', workload('pod', { addresses: ['10.0.0.2'], labels }));
  index.workloadChanged('k8s', workload('pod', { namespace: 'other', addresses: ['10.0.0.3'], labels }));
  expect(told(index)).toEqual({ 'a.x': ['10.0.0.1:8080', '10.0.0.2:8080'] });
  index.workloadRemoved('k8s', 'default', 'pod');
  index.workloadRemoved('k8s', 'default', 'never-there');
  expect(told(index)).toEqual({ 'a.x': ['10.0.0.2:8080'] });
  index.workloadChanged('vms', workload('pod', { addresses: [], labels }));
  expect(told(index)).toEqual({ 'a.x': [] });
});

test("a platform's workload may set its locality and network with labels", () => {
  const index = createServiceEntryIndex();
  const labels = { app: 'a', 'istio-locality': 'r.z', 'topology.istio.io/network': 'n1' };
  index.ruleChanged(selecting({ app: 'a' }));
  index.workloadChanged('k8s', workload('pod', { labels }));
  expect(index.takeChanges().at(-1)).toMatchObject({ set: { endpoints: [{ locality: 'r/z', network: 'n1' }] } });
});

test('labels of the object win over those of the spec', () => {
  const index = createServiceEntryIndex();
  index.ruleChanged(selecting({ app: 'a' }));
  index.ruleChanged(
    rule('WorkloadEntry', 'vm', { address: '10.0.0.1', labels: { app: 'b' } }, { labels: { app: 'a' } }),
  );
  expect(told(index)).toEqual({ 'a.x': ['10.0.0.1:8080'] });
});

/** Entry for the host a.x, created in a year. */
const entry = (name: string, year: number, spec: object) =>
  rule(
    'ServiceEntry',
    name,
    { hosts: ['a.x'], ports: [http], resolution: 'STATIC', ...spec },
    { creationTimestamp: `${year}-01-01T00:00:00Z`, labels: { name } },
  );

test('of two entries for one host, the older defines the service, and both add ports, addresses and endpoints', () => {
  const index = createServiceEntryIndex();
  const admin = { number: 90, name: 'http', protocol: 'HTTP', targetPort: 9090 };
  const web = { ...http, name: 'web', targetPort: 8081 };
  index.ruleChanged(
    entry('young', 2026, { ports: [admin, web], addresses: ['240.0.0.2'], endpoints: [{ address: '10.0.0.2' }] }),
  );
  index.ruleChanged(entry('old', 2025, { addresses: ['240.0.0.1'], endpoints: [{ address: '10.0.0.1' }] }));
  expect(index.takeChanges()).toMatchObject([
    {
      service: {
        labels: { name: 'old' },
        vips: ['240.0.0.1', '240.0.0.2'],
        ports: [
          { name: 'http', number: 80 },
          { name: '90', number: 90 },
        ],
      },
    },
    {
      set: {
        endpoints: [
          { address: '10.0.0.1', ports: { http: 8080 } },
          { address: '10.0.0.2', ports: { http: 8081, 90: 9090 } },
        ],
      },
    },
  ]);
  expect([...index.problems()]).toEqual([]);
  index.ruleRemoved(ruleIdOf('ServiceEntry/default/old'));
  expect(index.takeChanges()).toMatchObject([
    { service: { labels: { name: 'young' }, ports: [{ name: 'http' }, { name: 'web' }] } },
    { set: { endpoints: [{ ports: { http: 9090, web: 8081 } }] } },
  ]);
  index.ruleRemoved(ruleIdOf('ServiceEntry/default/young'));
  expect(index.takeChanges()).toEqual([{ type: 'service-removed', namespace: 'default', hostname: 'a.x' }]);
});

for (const { name, spec, what, endpoints } of [
  { name: 'resolution', spec: { resolution: 'DNS' }, what: 'resolution', endpoints: [{}] },
  { name: 'visibility', spec: { exportTo: ['.'] }, what: 'exportTo', endpoints: [{}] },
  {
    name: 'protocol of a port',
    spec: { ports: [{ ...http, protocol: 'TCP' }] },
    what: 'the protocol of port 80',
    endpoints: [{}, { ports: {} }],
  },
]) {
  test(`an entry that contradicts an older one about the ${name} is reported and does not count there`, () => {
    const index = createServiceEntryIndex();
    index.ruleChanged(entry('old', 2025, { endpoints: [{ address: '10.0.0.1' }] }));
    index.ruleChanged(entry('young', 2026, { endpoints: [{ address: '10.0.0.2' }], ...spec }));
    expect(index.takeChanges().at(-1)).toMatchObject({ set: { endpoints } });
    const message = `default/a.x: ${what} differs from that of the older ServiceEntry/default/old, which applies`;
    expect([...index.problems()]).toEqual([['ServiceEntry/default/young', [message]]]);
  });
}

test('an endpoint may be a Unix domain socket, which has no ports', () => {
  const index = createServiceEntryIndex();
  index.ruleChanged(entry('se', 2026, { endpoints: [{ address: 'unix:///run/a.sock' }] }));
  expect(told(index)).toEqual({ 'a.x': ['unix:///run/a.sock:0'] });
  expect([...index.problems()]).toEqual([]);
});

test("an entry's network is also a label, by which subsets choose it", () => {
  const index = createServiceEntryIndex();
  index.ruleChanged(entry('se', 2026, { endpoints: [{ address: '10.0.0.1', network: 'n1' }] }));
  expect(index.takeChanges().at(-1)).toMatchObject({
    set: { endpoints: [{ network: 'n1', labels: { 'topology.istio.io/network': 'n1' } }] },
  });
});

test('entries whose ports give equal endpoints share one endpoint object', () => {
  const index = createServiceEntryIndex();
  for (const name of ['a', 'b']) {
    index.ruleChanged(
      rule('ServiceEntry', name, {
        hosts: [`${name}.x`],
        ports: [http],
        resolution: 'STATIC',
        workloadSelector: { labels: { app: 'a' } },
      }),
    );
  }
  index.ruleChanged(rule('WorkloadEntry', 'vm', { address: '10.0.0.1', labels: { app: 'a' } }));
  const [first, second] = index
    .takeChanges()
    .flatMap((change) => (change.type === 'endpoints' ? change.set.endpoints : []));
  expect(first).toBe(second);
});

test('WorkloadEntries of the namespace are endpoints of the services of platforms that select them', () => {
  const index = createServiceEntryIndex();
  const selecting80 = (targetPort: number | string) =>
    service('a.x', { selector: { labels: { app: 'a' }, targetPorts: { http: targetPort } } });
  const vm = (name: string, fields: object, namespace = 'default') =>
    rule('WorkloadEntry', name, { labels: { app: 'a' }, ...fields }, { namespace });
  index.serviceChanged(selecting80(8080));
  index.ruleChanged(vm('vm', { address: '10.0.0.1' }));
  index.ruleChanged(vm('own-port', { address: '10.0.0.2', ports: { http: 81, web: 82 } }));
  index.ruleChanged(vm('elsewhere', { address: '10.0.0.3' }, 'other'));
  index.workloadChanged('k8s', workload('pod', { labels: { app: 'a' } })); // the platform lists it
  expect(told(index)).toEqual({ 'a.x': ['10.0.0.1:8080', '10.0.0.2:81'] });
  expect(index.servicesOf(ruleIdOf('WorkloadEntry/default/vm'))).toEqual(['default/a.x']);
  index.serviceChanged(selecting80('web'));
  expect(told(index)).toEqual({ 'a.x': ['10.0.0.1:undefined', '10.0.0.2:82'] });
  index.serviceChanged(service('a.x'));
  expect(index.takeChanges()).toEqual([{ type: 'service-removed', namespace: 'default', hostname: 'a.x' }]);
});

for (const { name, spec, labels = {}, want } of [
  { name: 'without addresses', spec: {}, want: ['a.x'] },
  { name: 'with addresses of its own', spec: { addresses: ['10.0.0.1'] }, want: [] },
  { name: 'whose called address counts', spec: { resolution: 'NONE' }, want: [] },
  {
    name: 'with a label against it',
    spec: {},
    labels: { 'networking.istio.io/enable-autoallocate-ip': 'false' },
    want: [],
  },
]) {
  test(`a ServiceEntry ${name} has ${want.length === 0 ? 'no' : 'an'} allocated address`, () => {
    const index = createServiceEntryIndex();
    const id = ruleIdOf('ServiceEntry/default/se');
    index.ruleChanged(
      rule('ServiceEntry', 'se', { hosts: ['a.x'], ports: [http], resolution: 'DNS', ...spec }, { labels }),
    );
    const [change] = index.takeChanges();
    const hosts = new Set(index.addressesOf(id).map(({ host }) => host));
    expect([...hosts]).toEqual(want);
    const allocated = index.addressesOf(id).map(({ value }) => value);
    expect(change?.type === 'service' ? (change.service.autoAddresses ?? []) : null).toEqual(allocated);
  });
}
