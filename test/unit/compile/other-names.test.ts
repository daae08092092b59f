import { describe, expect, test } from 'vitest';
import { hostname } from '../../../src/model/names.ts';
import type { Service } from '../../../src/model/service.ts';
import { ruleIdOf } from '../../support/rules.ts';
import { compiledWorld, proxy, rule, service } from '../../support/world.ts';

/** As Kubernetes' ExternalName is translated. */
const alias = (name: string, of: string, fields: Partial<Service> = {}) =>
  service(name, { ports: [], aliasOf: hostname(of), ...fields });

const ledger = service('ledger.depot.svc.cluster.local', {
  ports: [
    { name: 'http', number: 8080, protocol: 'http' },
    { name: 'tcp', number: 5400, protocol: 'tcp' },
  ],
  vips: ['10.96.9.1'],
});
const cluster = 'outbound|8080||ledger.depot.svc.cluster.local';
const own = ['virtualInbound', 'virtualOutbound'];

interface VirtualHostJson {
  readonly name: string;
  readonly domains: readonly string[];
}

/** Domains without ports, by the name of their virtual host. */
function domains(world: ReturnType<typeof compiledWorld>, port = '8080', of = proxy()) {
  const { virtualHosts } = world.json('route', port, of) as unknown as { virtualHosts: VirtualHostJson[] }; // its schema
  return Object.fromEntries(
    virtualHosts.map(({ name, domains }) => [name, domains.filter((domain) => !domain.endsWith(`:${port}`))]),
  );
}

describe('an alias of a host', () => {
  test('is served as that host, without a separate cluster or listener', () => {
    const world = compiledWorld();
    world.apply(alias('books', ledger.hostname), ledger);
    expect(domains(world)['ledger.depot.svc.cluster.local:8080']).toEqual([
      'ledger.depot.svc.cluster.local',
      'ledger.depot',
      'ledger.depot.svc',
      'books.default.svc.cluster.local',
      'books',
      'books.default',
      'books.default.svc',
      '10.96.9.1',
      'ledger.depot.svc.cluster.local.',
      'books.default.svc.cluster.local.',
    ]);
    expect(world.names('cluster').filter((name) => name.startsWith('outbound'))).toEqual([
      'outbound|5400||ledger.depot.svc.cluster.local',
      cluster,
    ]);
    expect(world.names('listener')).toEqual(['0.0.0.0_8080', '10.96.9.1_5400', ...own]);
  });

  test('has no effect while no service has that host: its calls are calls to unknown hosts', () => {
    const world = compiledWorld();
    world.apply(alias('mail', 'relay.mail.example'));
    expect(world.names('listener')).toEqual(own);
    expect(world.names('route')).toEqual([]);
    world.apply(service('relay.mail.example'));
    expect(domains(world, '80')['relay.mail.example:80']).toContain('mail');
    world.apply(alias('mail', 'elsewhere.example'));
    expect(domains(world, '80')['relay.mail.example:80']).not.toContain('mail');
  });

  test('is a destination that stands for the other host', () => {
    const world = compiledWorld();
    const http = [{ route: [{ destination: { host: 'books' } }] }];
    world.apply(alias('books', ledger.hostname), ledger, rule('VirtualService', 'crane', { hosts: ['crane'], http }));
    expect(JSON.stringify(world.json('route', '80'))).toContain('outbound|80||ledger.depot.svc.cluster.local');
    expect(world.problems()).toEqual({});
  });

  test('may be a destination that a Sidecar hides, and then has no domain', () => {
    const world = compiledWorld();
    const http = [{ route: [{ destination: { host: 'books' } }] }];
    const crane = rule('VirtualService', 'crane', { hosts: ['crane.example'], http });
    const egress = [{ hosts: ['*/ledger.depot.svc.cluster.local', '*/crane.example'] }];
    world.apply(alias('books', ledger.hostname), ledger, crane, rule('Sidecar', 'default', { egress }));
    expect(JSON.stringify(world.json('route', '80'))).toContain('outbound|80||ledger.depot.svc.cluster.local');
    expect(domains(world)['ledger.depot.svc.cluster.local:8080']).not.toContain('books');
    expect(world.problems()).toEqual({});
  });

  test('may have its own rule, for the ports of the other host', () => {
    const world = compiledWorld();
    const redirect = rule('VirtualService', 'books', { hosts: ['books'], http: [{ redirect: { uri: '/moved' } }] });
    world.apply(alias('books', ledger.hostname), ledger, redirect);
    const before = domains(world);
    expect(before['books.default.svc.cluster.local:8080']).toContain('books');
    expect(before['ledger.depot.svc.cluster.local:8080']).not.toContain('books');
    world.apply({ type: 'rule-removed', id: ruleIdOf('VirtualService/default/books') });
    expect(domains(world)['ledger.depot.svc.cluster.local:8080']).toContain('books');
  });

  test('may be an alias of an alias; a cycle is no host', () => {
    const world = compiledWorld();
    world.apply(alias('a', 'b.default.svc.cluster.local'), alias('b', ledger.hostname), ledger);
    expect(domains(world)['ledger.depot.svc.cluster.local:8080']).toEqual(expect.arrayContaining(['a', 'b']));
    world.apply(alias('b', 'a.default.svc.cluster.local'));
    expect(Object.keys(domains(world))).toEqual(['ledger.depot.svc.cluster.local:8080', 'allow_any']);
    expect(domains(world)['ledger.depot.svc.cluster.local:8080']).not.toContain('a');
  });

  test('is visible where it is exported to', () => {
    const world = compiledWorld();
    world.apply(alias('books', ledger.hostname, { exportTo: ['.'] }), ledger);
    const shop = proxy({ namespace: 'shop' });
    expect(domains(world, '8080', shop)['ledger.depot.svc.cluster.local:8080']).not.toContain('books.default');
    expect(domains(world)['ledger.depot.svc.cluster.local:8080']).toContain('books.default');
  });
});
