import { describe, expect, test } from 'vitest';
import { compiledWorld, proxy, service } from '../../support/world.ts';

const database = service('db.example.com', {
  ports: [
    { name: 'tcp', number: 5432, protocol: 'tcp' },
    { name: 'http', number: 80, protocol: 'http' },
  ],
  autoAddresses: ['240.240.0.1', '2001:2::f0f0:1'],
});

const outbound = (of = proxy(), given = database) => {
  const world = compiledWorld();
  world.apply(given);
  const listeners = world.names('listener', of).filter((name) => name.includes('5432'));
  const { virtualHosts } = world.json('route', '80', of) as unknown as { virtualHosts: { domains: string[] }[] }; // its schema
  return {
    listeners,
    domains: virtualHosts[0]?.domains.filter((domain) => domain.includes('240.240') || domain.includes('[')),
  };
};

describe('a service with allocated addresses', () => {
  test('has them for workloads whose DNS the mesh answers', () => {
    expect(outbound(proxy({ capturesDns: true }))).toEqual({
      listeners: ['240.240.0.1_5432'],
      domains: ['240.240.0.1', '240.240.0.1:80'],
    });
    expect(outbound(proxy({ capturesDns: true, addresses: ['fd00::9'] }))).toEqual({
      listeners: ['2001:2::f0f0:1_5432'],
      domains: ['[2001:2::f0f0:1]', '[2001:2::f0f0:1]:80'],
    });
  });

  test('has none for others, which resolve its name to something else', () => {
    expect(outbound()).toEqual({ listeners: ['0.0.0.0_5432'], domains: [] });
    expect(outbound(proxy({ capturesDns: true, interception: 'none' })).listeners).toEqual(['127.0.0.1_5432']);
  });

  test('has its own addresses instead, if it has some', () => {
    const own = { ...database, vips: ['10.0.0.1'] };
    expect(outbound(proxy({ capturesDns: true }), own)).toEqual({ listeners: ['10.0.0.1_5432'], domains: [] });
  });
});
