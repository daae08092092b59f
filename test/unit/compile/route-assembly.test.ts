import { describe, expect, it } from 'vitest';
import { createContentPool } from '../../../src/compile/content-pool.ts';
import type { WorldChange } from '../../../src/compile/contract.ts';
import { createHashSum } from '../../../src/compile/tables/hash-sum.ts';
import {
  type AssembledRoutes,
  acquireConfiguration,
  releaseConfiguration,
} from '../../../src/compile/tables/route-assembly.ts';
import { type HashedBytes, hashed } from '../../../src/compile/writer.ts';
import { hostname, serviceKey } from '../../../src/model/names.ts';
import type { Service } from '../../../src/model/service.ts';
import { type EncodedResource, encodeResource, recordParts, resourceBody } from '../../../src/proto/resource.ts';
import { bytesField, stringField } from '../../../src/proto/wire.ts';
import { type Rule, ruleId } from '../../../src/rules/rule.ts';
import { findVirtualHost } from '../../../src/xds/named/virtual-hosts.ts';
import { compiledWorld, proxy, rule, service } from '../../support/world.ts';

const services = Array.from({ length: 400 }, (_, index) => service(`svc-${index}`));

/** A rule that makes the virtual host of one service another one than before. */
const prefixOf = (index: number, prefix: string) =>
  rule('VirtualService', `svc-${index}`, {
    hosts: [`svc-${index}`],
    http: [{ match: [{ uri: { prefix } }], route: [{ destination: { host: `svc-${index}` } }] }],
  });

function bigWorld() {
  const world = compiledWorld();
  world.apply(...services);
  const routes = (of = proxy()): EncodedResource => {
    const found = world.table('route', of).get('80');
    if (found === undefined) throw new Error('no routes of port 80');
    return found;
  };
  return { world, routes };
}

const bytesOf = (resource: EncodedResource): Buffer => Buffer.concat(recordParts(resource, 'delta'));

/** The pieces of `after` that `before` does not have, in bytes. */
const newBytes = (before: EncodedResource, after: EncodedResource): number =>
  after.rest.filter((chunk) => !before.rest.includes(chunk)).reduce((sum, { length }) => sum + length, 0);

const removed = (name: string): WorldChange => ({
  type: 'rule-removed',
  id: ruleId({ kind: 'VirtualService', metadata: { namespace: 'shop', name } }),
});

describe('a big route configuration', () => {
  it('has the same bytes as one encoded at once', () => {
    const routes = bigWorld().routes();
    expect(routes.byteLength).toBeGreaterThan(150_000);
    const whole = encodeResource('route', '80', resourceBody('route', routes), routes.version);
    expect(bytesOf(routes).equals(bytesOf(whole))).toBe(true);
    expect(Buffer.concat(recordParts(routes, 'sotw')).equals(Buffer.concat(recordParts(whole, 'sotw')))).toBe(true);
  });

  it('uses memory for the changed part of a change only', () => {
    const { world, routes } = bigWorld();
    let before = routes();
    for (let index = 0; index < 40; index++) {
      world.apply(prefixOf(index * 7, `/v${index}`));
      const after = routes();
      expect(newBytes(before, after)).toBeLessThan(before.byteLength / 2);
      before = after;
    }
  });

  it('is the same after changes as when built at once', () => {
    const { world, routes } = bigWorld();
    const rules = Array.from({ length: 30 }, (_, index) => prefixOf(index * 11, `/v${index}`));
    for (const one of rules) world.apply(one);
    const [gone] = services;
    if (gone === undefined) throw new Error('there are services');
    world.apply({ type: 'service-removed', key: serviceKey(gone.namespace, gone.hostname) });
    const other = compiledWorld();
    other.apply(...services.slice(1), ...rules);
    const expected = other.table('route').get('80');
    expect(expected !== undefined && bytesOf(expected).equals(bytesOf(routes()))).toBe(true);
  });

  it('shares equal chunks with that of another scope', () => {
    const { world, routes } = bigWorld();
    const host = 'svc-7.default.svc.cluster.local';
    const http = [{ timeout: '3s', route: [{ destination: { host } }] }];
    world.apply(rule('VirtualService', 'shop/own', { hosts: [host], exportTo: ['.'], http }));
    const [here, there] = [routes(proxy({ namespace: 'elsewhere' })), routes(proxy({ namespace: 'shop' }))];
    expect(here).not.toBe(there);
    expect(newBytes(here, there)).toBeLessThan(here.byteLength / 2);
  });

  it('has the same bytes in an overlay as in a separate scope', () => {
    const { world, routes } = bigWorld();
    const shop = proxy({ namespace: 'shop' });
    const own = (name: string, host: string, timeout = '3s') =>
      rule('VirtualService', `shop/${name}`, {
        hosts: [host],
        exportTo: ['.'],
        http: [{ timeout, route: [{ destination: { host: 'svc-3.default.svc.cluster.local' } }] }],
      });
    const full = (index: number) => `svc-${index}.default.svc.cluster.local`;
    routes(proxy({ namespace: 'elsewhere' }));
    const changes: (WorldChange | Service | Rule)[][] = [
      [own('first', full(0)), own('last', full(99)), own('between', full(200), '5s')],
      [service('zzz.shop.svc.cluster.local'), service('aaa.shop.svc.cluster.local', { exportTo: ['.'] })],
      [own('alone', 'aa.example.com'), service('svc-5', { aliases: [hostname('aaa.shop')], createdAtMs: 1 })],
      [own('everything', '*')],
      [prefixOf(5, '/other'), removed('first')],
      [removed('everything'), own('between', full(201))],
      [service('svc-200', { exportTo: ['~'] }), own('last', full(99), '9s')],
    ];
    const done: (WorldChange | Service | Rule)[] = [];
    for (const change of changes) {
      world.apply(...change);
      done.push(...change);
      const alone = bigWorld();
      alone.world.apply(...done);
      const [standing, wanted] = [routes(shop), alone.routes(shop)];
      expect(standing.version).toBe(wanted.version);
      expect(bytesOf(standing).equals(bytesOf(wanted))).toBe(true);
    }
    expect(routes(shop).rest.length).toBeGreaterThan(routes(proxy({ namespace: 'elsewhere' })).rest.length);
  });

  it('can be read for one virtual host', () => {
    const { routes } = bigWorld();
    for (const host of ['svc-0', 'svc-399']) {
      expect(findVirtualHost(routes(), `${host}.default.svc.cluster.local`)?.name).toBe(
        `80/#${host}.default.svc.cluster.local:80`,
      );
    }
  });
});

it('chunks are kept as long as a configuration uses them', () => {
  const pools = {
    configurations: createContentPool<AssembledRoutes>(() => {}),
    chunks: createContentPool<Uint8Array>(() => {}),
  };
  const record = (index: number, text = '') => hashed(bytesField(2, Buffer.from(`${index}${text}`.padEnd(1000, '.'))));
  const frame = { head: (name: string) => stringField(1, name), end: new Uint8Array(0), format: '' };
  const records = Array.from({ length: 500 }, (_, index) => record(index));
  const take = (all: readonly HashedBytes[]) => {
    const sum = createHashSum();
    for (const { hash } of all) sum.add(hash);
    return acquireConfiguration({ name: '80', sum, frame }, () => all, pools);
  };
  const one = take(records);
  const same = take(records);
  const other = take(records.with(250, record(250, 'other')));
  expect(same).toBe(one);
  expect(one.value.chunks.length).toBeGreaterThan(4);
  const both = new Set([...one.value.chunks, ...other.value.chunks]);
  expect(pools.chunks.size).toBe(both.size);
  releaseConfiguration(same, pools);
  expect(pools.chunks.size).toBe(both.size);
  releaseConfiguration(one, pools);
  expect(pools.chunks.size).toBe(other.value.chunks.length);
  releaseConfiguration(other, pools);
  expect([pools.chunks.size, pools.configurations.size]).toEqual([0, 0]);
});
