import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/lib/logger.ts';
import { hostname, serviceKey } from '../../../src/model/names.ts';
import type { Service } from '../../../src/model/service.ts';
import { registrationLabel } from '../../../src/registry/registration-policy.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { servicePatterns } from '../../../src/registry/service-patterns.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { endpoint, endpointSet, service } from '../../support/model.ts';
import { contents, story } from '../../support/registry.ts';

/** Creates a registry with a shard of self-registered instances (`orders` with one instance) and a regular shard. */
function start(allow: readonly string[] = []) {
  const warnings: object[] = [];
  const log = { ...silentLogger, warn: (facts: object) => warnings.push(facts) };
  const isRegistrationAllowed = servicePatterns(allow);
  const registry = createRegistry({ clock: fakeClock(), log, snapshotDir: null, departedMs: 0, isRegistrationAllowed });
  const platform = registry.shard('mesh', 'file');
  const agents = registry.shard('agents', 'registration', { isSelfRegistered: true });
  platform.replace(contents({}));
  const register = (host: string, fields: Partial<Service> = {}) =>
    agents.replace(
      contents({
        services: [service(host, { registry: 'registration', createdAtMs: 1, ...fields })],
        endpoints: [{ ...endpointSet(host, endpoint('10.6.6.6')), namespace: fields.namespace ?? 'default' }],
      }),
    );
  const define = (host: string, fields: Partial<Service> = {}) =>
    platform.apply([
      { type: 'service', service: service(host, { registry: 'kubernetes', ...fields }) },
      {
        type: 'endpoints',
        set: { ...endpointSet(host, endpoint('10.0.0.1')), namespace: fields.namespace ?? 'default' },
      },
    ]);
  const undefine = (host: string) =>
    platform.apply([{ type: 'service-removed', namespace: 'default', hostname: host }]);
  const served = (host: string) => {
    registry.takeChanges();
    const found = registry.endpoints(serviceKey('default', hostname(host)));
    return found?.endpoints.map(({ address }) => address).join(' ') ?? 'no service';
  };
  return { registry, warnings, register, define, undefine, served };
}

const allowed = { labels: { [registrationLabel]: 'allow' } };

describe('instances that register for a service of another adapter', () => {
  it('may do so if they go into the registry of that adapter', () => {
    const { registry, define } = start();
    define('orders');
    const requested = { namespace: 'default', hostname: hostname('orders') };
    expect(registry.registrationRefusal(requested)).toContain('is defined in the namespace "default" (kubernetes)');
    expect(registry.registrationRefusal({ ...requested, registry: 'other' })).not.toBeNull();
    expect(registry.registrationRefusal({ ...requested, registry: 'mesh' })).toBeNull();
  });

  it('are excluded in any order of arrival, and count again when the service is removed', () => {
    const { registry, warnings, register, define, undefine, served } = start();
    register('orders');
    expect(served('orders')).toBe('10.6.6.6');
    expect(registry.registrationRefusal({ namespace: 'default', hostname: hostname('orders') })).toBeNull();

    define('orders');
    expect(story(registry)).toEqual(['service orders of kubernetes', 'endpoints orders: 10.0.0.1']);
    expect(registry.problems()).toEqual([
      {
        shard: 'agents',
        origin: 'instances of default/orders',
        message:
          'orders is defined in the namespace "default" (kubernetes): instances may register for it only if it has the label mesh.binnacle.dev/registration: allow, or registration.allow in binnacle.yaml has default/orders',
      },
    ]);
    expect(warnings).toMatchObject([{ service: 'default/orders' }]);
    expect(registry.registrationRefusal({ namespace: 'default', hostname: hostname('orders') })).toContain(
      'is defined',
    );

    undefine('orders');
    expect(served('orders')).toBe('10.6.6.6');
    expect([...registry.excludedRegistrations(), ...registry.problems()]).toEqual([]);
  });

  it('join a service while its label allows it; its ports are its own', () => {
    const { registry, register, define, served } = start();
    register('orders', { ports: [{ name: 'http', number: 666, protocol: 'tcp' }] });
    define('orders', { registry: 'service-entry', ...allowed });
    expect(served('orders')).toBe('10.6.6.6 10.0.0.1');
    expect([...registry.services()].map(({ ports }) => ports[0]?.number)).toEqual([80]);
    define('orders');
    expect(served('orders')).toBe('10.0.0.1');
    define('orders', allowed);
    expect(served('orders')).toBe('10.6.6.6 10.0.0.1');
  });

  for (const { allow, want } of [
    { allow: ['default/orders'], want: '10.6.6.6 10.0.0.1' },
    { allow: ['default/*'], want: '10.6.6.6 10.0.0.1' },
    { allow: ['def*/ORDERS'], want: '10.6.6.6 10.0.0.1' },
    { allow: ['*/*'], want: '10.6.6.6 10.0.0.1' },
    { allow: ['default/order'], want: '10.0.0.1' },
    { allow: ['shop/*'], want: '10.0.0.1' },
    { allow: ['default/*.orders'], want: '10.0.0.1' },
  ]) {
    it(`with registration.allow ${allow}: ${want}`, () => {
      const { register, define, served } = start(allow);
      register('orders');
      define('orders');
      expect(served('orders')).toBe(want);
    });
  }

  const kubernetes = { name: 'orders', namespace: 'shop' };
  const [byName, qualified] = ['orders.shop.svc.cluster.local', 'orders.shop.svc'];
  for (const { way, registered, defined, fields } of [
    { way: 'by another namespace', registered: 'orders', defined: 'orders', fields: { namespace: 'shop', ...allowed } },
    { way: 'as an alias', registered: 'orders', defined: 'books', fields: { aliases: [hostname('orders')] } },
    { way: 'with a wildcard', registered: 'a.b.test', defined: '*.test', fields: {} },
    { way: 'with a short name', registered: 'orders', defined: byName, fields: kubernetes },
    { way: 'with its namespace', registered: 'orders.shop', defined: byName, fields: kubernetes },
    { way: 'with its namespace and svc', registered: qualified, defined: byName, fields: kubernetes },
  ]) {
    it(`are excluded if it is defined ${way}`, () => {
      const { register, define, served } = start();
      register(registered);
      expect(served(registered)).toBe('10.6.6.6');
      define(defined, fields);
      expect(served(registered)).toBe('no service');
    });
  }

  it('are excluded if they request the address of a service, in any notation', () => {
    const { registry, register, define, served } = start();
    register('mine', { vips: ['fd00::1', '10.9.9.9'] });
    define('books', { vips: ['10.9.9.8'] });
    expect(served('mine')).toBe('10.6.6.6');
    define('orders', { vips: ['FD00:0::1'] });
    expect(served('mine')).toBe('no service');
    expect(registry.problems()[0]?.message).toContain('the address fd00::1 (orders) is defined in the namespace');
    register('mine', { vips: ['10.9.9.9'] });
    expect(served('mine')).toBe('10.6.6.6');
  });

  it('have a separate service below a wildcard that allows it', () => {
    const { register, define, served } = start();
    register('a.b.test');
    define('*.test', allowed);
    expect(served('a.b.test')).toBe('10.6.6.6');
  });

  it('are unaffected by services of other names', () => {
    const { register, define, served } = start();
    register('a.orders');
    for (const host of ['orders', 'b.orders', 'x.a.orders', '*.a.orders']) define(host);
    expect(served('a.orders')).toBe('10.6.6.6');
  });
});
