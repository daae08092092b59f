import { beforeEach, describe, expect, it } from 'vitest';
import { hostname } from '../../../src/model/names.ts';
import { endpoint } from '../../support/model.ts';
import { type MeshProxy, meshOfTwo, type StatusMesh } from '../../support/status-mesh.ts';

const to = (host: string, more: object = {}) => ({ destination: { host, ...more } });
const a = 'a.default.svc.cluster.local';
const mysql = { ports: [{ name: 'mysql', number: 3306, protocol: 'tcp' as const }] };

let mesh: StatusMesh;
let one: MeshProxy;
beforeEach(async () => {
  mesh = await meshOfTwo();
  mesh.service('db', [endpoint('10.0.0.7', { ports: { mysql: 3306 } })], mysql);
  one = mesh.connect('one');
  await mesh.flush();
  one.settle();
});

async function settled(): Promise<void> {
  await mesh.flush();
  one.settle();
}

/** Rules without effect, and the change that repairs each: of another rule, or of the mesh. */
const cases: readonly {
  readonly name: string;
  readonly kind?: string;
  readonly spec: object;
  readonly reason: string;
  readonly message: string;
  readonly repair: (mesh: StatusMesh) => void;
}[] = [
  {
    name: 'a rule for a host that does not exist',
    spec: { hosts: ['ghost'], http: [{ route: [to('a')] }] },
    reason: 'HostNotFound',
    message: 'spec.hosts[0]: there is no service ghost.default.svc.cluster.local',
    repair: (it) => it.service('ghost', [endpoint('10.0.0.9')]),
  },
  {
    name: 'a destination that is an alias of nothing',
    spec: { hosts: ['a'], http: [{ route: [to('books')] }] },
    reason: 'HostNotFound',
    message:
      'spec.http[0].route[0].destination: there is no service ghost.default.svc.cluster.local, of which books.default.svc.cluster.local is an alias',
    repair: (it) => it.service('ghost', [endpoint('10.0.0.9')]),
  },
  {
    name: 'routes of HTTP for a host that has TCP ports only',
    spec: { hosts: ['db'], http: [{ route: [to('db')] }] },
    reason: 'ProtocolMismatch',
    message:
      'spec.http: db.default.svc.cluster.local has no HTTP port, only 3306 mysql (tcp): name a port http-…, or set its appProtocol to http',
    repair: (it) => it.service('db', [endpoint('10.0.0.7')]),
  },
  {
    name: 'routes of TCP for a host that has HTTP ports only',
    spec: { hosts: ['a'], tcp: [{ route: [to('a')] }] },
    reason: 'ProtocolMismatch',
    message: `spec.tcp: ${a} has no TCP port, only 80 http (http): write routes of HTTP`,
    repair: (it) => it.service('a', [endpoint('10.0.0.1', { ports: { mysql: 3306 } })], mysql),
  },
  {
    name: 'routes of TLS for a host that has HTTP ports only',
    spec: { hosts: ['a'], tls: [{ match: [{ sniHosts: ['a'] }], route: [to('a')] }] },
    reason: 'ProtocolMismatch',
    message: `spec.tls: ${a} has no TLS port, only 80 http (http): name a port tls-… or https-…, or set its appProtocol to tls`,
    repair: (it) =>
      it.service('a', [endpoint('10.0.0.1', { ports: { tls: 443 } })], {
        ports: [{ name: 'tls', number: 443, protocol: 'tls' }],
      }),
  },
  {
    name: 'a condition on a port that the service lacks',
    spec: { hosts: ['a'], http: [{ match: [{ port: 81 }], route: [to('b')] }] },
    reason: 'PortNotFound',
    message: `spec.http[0].match[0].port: ${a} has no port 81`,
    repair: (it) =>
      it.service('a', [endpoint('10.0.0.1')], {
        ports: [
          { name: 'http', number: 80, protocol: 'http' },
          { name: 'more', number: 81, protocol: 'http' },
        ],
      }),
  },
  {
    name: 'a destination without a service',
    spec: { hosts: ['a'], http: [{ route: [to('ghost')] }] },
    reason: 'HostNotFound',
    message: 'spec.http[0].route[0].destination: there is no service ghost.default.svc.cluster.local',
    repair: (it) => it.service('ghost', [endpoint('10.0.0.9')]),
  },
  {
    name: 'a port of a destination that the service lacks',
    spec: { hosts: ['b'], http: [{ route: [to('a', { port: { number: 3306 } })] }] },
    reason: 'PortNotFound',
    message: `spec.http[0].route[0].destination: ${a} has no port 3306`,
    repair: (it) => it.service('a', [endpoint('10.0.0.1', { ports: { mysql: 3306 } })], mysql),
  },
  {
    name: 'a subset that no DestinationRule has',
    spec: { hosts: ['a'], http: [{ route: [to('a', { subset: 'v1' })] }] },
    reason: 'SubsetNotFound',
    message: `spec.http[0].route[0].destination: ${a} has no subset v1`,
    repair: (it) => it.put('DestinationRule', 'default/d', { host: 'a', subsets: [{ name: 'v1' }] }),
  },
  {
    name: 'a destination without endpoints',
    spec: { hosts: ['a'], http: [{ route: [to('empty')] }] },
    reason: 'NoEndpoints',
    message: 'spec.http[0].route[0].destination: empty.default.svc.cluster.local has no endpoint that is well',
    repair: (it) => it.service('empty', [endpoint('10.0.0.9')]),
  },
  {
    name: 'a Gateway that does not exist',
    spec: { hosts: ['a'], gateways: ['mesh', 'edge'], http: [{ route: [to('a')] }] },
    reason: 'GatewayNotFound',
    message: 'spec.gateways[1]: there is no Gateway default/edge',
    repair: (it) =>
      it.put('Gateway', 'default/edge', {
        servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }],
      }),
  },
  {
    name: 'a DestinationRule for a host that does not exist',
    kind: 'DestinationRule',
    spec: { host: 'ghost', trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } },
    reason: 'HostNotFound',
    message: 'spec.host: there is no service ghost.default.svc.cluster.local',
    repair: (it) => it.service('ghost', [endpoint('10.0.0.9')]),
  },
  {
    name: 'a DestinationRule for a wildcard that covers nothing',
    kind: 'DestinationRule',
    spec: { host: '*.shop.svc.cluster.local', trafficPolicy: { loadBalancer: { simple: 'RANDOM' } } },
    reason: 'HostNotFound',
    message: 'spec.host: *.shop.svc.cluster.local covers no service',
    repair: (it) => it.service('reviews.shop.svc.cluster.local', [endpoint('10.0.0.9')]),
  },
  {
    name: 'settings of a port that the service lacks',
    kind: 'DestinationRule',
    spec: {
      host: 'a',
      trafficPolicy: { portLevelSettings: [{ port: { number: 3306 }, loadBalancer: { simple: 'RANDOM' } }] },
    },
    reason: 'PortNotFound',
    message: `spec.trafficPolicy.portLevelSettings[0].port: ${a} has no port 3306`,
    repair: (it) => it.service('a', [endpoint('10.0.0.1', { ports: { mysql: 3306 } })], mysql),
  },
  {
    name: 'a subset whose labels no endpoint has',
    kind: 'DestinationRule',
    spec: { host: 'a', subsets: [{ name: 'v9', labels: { version: 'v9' } }] },
    reason: 'NoEndpoints',
    message: `spec.subsets[0]: ${a} has no endpoint with the labels version=v9, which subset v9 asks for`,
    repair: (it) => it.service('a', [endpoint('10.0.0.1', { labels: { version: 'v9' } })]),
  },
  {
    name: 'a second Sidecar for the same workloads',
    kind: 'Sidecar',
    spec: { egress: [{ hosts: ['./*'] }] },
    reason: 'Superseded',
    message:
      'spec.workloadSelector: Sidecar/default/first is older and is for the same workloads: put both into one object',
    repair: (it) => it.remove('Sidecar', 'default/first'),
  },
  {
    name: 'a ServiceEntry behind a Kubernetes service of its name',
    kind: 'ServiceEntry',
    spec: {
      hosts: ['taken.default.svc.cluster.local'],
      ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
      resolution: 'STATIC',
      endpoints: [{ address: '10.0.0.9' }],
    },
    reason: 'Superseded',
    message:
      'spec.hosts[0]: the registry kubernetes has taken.default.svc.cluster.local in the namespace default, which comes first',
    repair: (it) => it.removeService('taken'),
  },
];

describe('a valid rule without effect is not Programmed', () => {
  for (const { name, kind = 'VirtualService', spec, reason, message, repair } of cases) {
    it(`${name}: ${reason}, until it is repaired`, async () => {
      mesh.service('empty');
      mesh.service('books', [], { ports: [], aliasOf: hostname('ghost.default.svc.cluster.local') });
      mesh.service('taken', [endpoint('10.0.0.8')], { registry: 'kubernetes' });
      if (kind === 'Sidecar') mesh.put('Sidecar', 'default/first', { egress: [{ hosts: ['*/*'] }] });
      mesh.put(kind, 'default/x', spec);
      await settled();
      const programmed = () => mesh.programmed(kind, 'default/x');
      expect(programmed()).toMatchObject({ status: 'False', reason, message });
      // Whoever listens is told of the repair, though nobody wrote the rule.
      const told: string[] = [];
      mesh.keeper.subscribe((ids) => told.push(...ids));
      await mesh.pass(1_000);
      repair(mesh);
      await settled();
      await mesh.pass(1_000);
      expect(programmed()).toMatchObject({ status: 'True' });
      expect(told).toContain(`${kind}/default/x`);
    });
  }

  it('a port of an alias as a destination is a port of the service that the alias means', async () => {
    mesh.service('other-b', [], { ports: [], aliasOf: hostname('b.default.svc.cluster.local') });
    mesh.put('VirtualService', 'default/x', {
      hosts: ['a'],
      http: [{ route: [to('other-b', { port: { number: 80 } })] }],
    });
    await settled();
    expect(mesh.line('VirtualService', 'default/x')).toBe('Programmed 1/1');
  });

  it('a host of another domain without a service is in effect if proxies are served it', async () => {
    const spec = { hosts: ['shop.example.com'], http: [{ route: [to('a')] }] };
    mesh.put('VirtualService', 'default/x', spec);
    await settled();
    expect(mesh.line('VirtualService', 'default/x')).toBe('Programmed 1/1');
    one.disconnect();
    expect(mesh.line('VirtualService', 'default/x')).toBe('HostNotFound 0/0');
  });

  it('a destination without traffic needs no endpoints', async () => {
    mesh.service('empty');
    const route = [
      { ...to('a'), weight: 100 },
      { ...to('empty'), weight: 0 },
    ];
    mesh.put('VirtualService', 'default/x', { hosts: ['a'], http: [{ route }] });
    await settled();
    expect(mesh.line('VirtualService', 'default/x')).toBe('Programmed 1/1');
  });

  it('the condition has the most urgent reason, and the message all of them', async () => {
    mesh.service('empty');
    const route = [
      { ...to('empty'), weight: 1 },
      { ...to('ghost'), weight: 1 },
    ];
    mesh.put('VirtualService', 'default/x', { hosts: ['a'], http: [{ route }] });
    await settled();
    expect(mesh.programmed('VirtualService', 'default/x')).toMatchObject({
      reason: 'HostNotFound',
      message:
        'spec.http[0].route[1].destination: there is no service ghost.default.svc.cluster.local; spec.http[0].route[0].destination: empty.default.svc.cluster.local has no endpoint that is well',
    });
  });

  it('a rule for gateways alone has no effect in this release', async () => {
    mesh.put('VirtualService', 'default/x', { hosts: ['a'], gateways: ['edge'], http: [{ route: [to('a')] }] });
    mesh.put('Gateway', 'default/edge', {
      servers: [{ port: { number: 80, name: 'h', protocol: 'HTTP' }, hosts: ['*'] }],
    });
    await settled();
    expect(mesh.programmed('VirtualService', 'default/x')).toMatchObject({
      reason: 'NotInEffect',
      message: 'spec.gateways: gateways are not served in this release, and mesh is not among them',
    });
  });
});
