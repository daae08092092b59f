import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { silentLogger } from '../../../../src/lib/logger.ts';
import type { Proxy } from '../../../../src/model/proxy.ts';
import { callerOf } from '../../../../src/push/caller.ts';
import { originsToCorrect } from '../../../../src/push/quarantine/origins-to-correct.ts';
import { createQuarantine } from '../../../../src/push/quarantine/quarantine.ts';
import { restoreQuarantine, saveQuarantine } from '../../../../src/push/quarantine/quarantine-file.ts';
import type { RejectedVersion } from '../../../../src/xds/isolation/known-rejections.ts';
import { eventually } from '../../../support/eventually.ts';
import { fakeClock } from '../../../support/fake-clock.ts';
import { proxy as proxyOf } from '../../../support/world.ts';

const lastGood = { name: 'b.test:80', hash: 'old', bytes: Buffer.from('old'), domains: ['b.test'] };
const guilty: RejectedVersion = { type: 'route', name: '80', part: 'b.test:80', hash: 'new', lastGood, error: 'no' };

/** Of this machine, where each proxy counts for itself, unless said otherwise. */
const known = (proxy: Proxy, peer = '127.0.0.1:1') => ({ proxy, caller: callerOf({ peer }) });
const knownOrNull = (proxy: Proxy | undefined) => (proxy === undefined ? null : known(proxy));

/** A quarantine, and a sender for each proxy that asks it. */
function quarantined() {
  let nowMs = 0;
  const senders = new Map<object, Proxy>();
  const quarantine = createQuarantine({ now: () => nowMs, proxyOf: (client) => knownOrNull(senders.get(client)) });
  const spared = (proxy: Proxy, hasConfiguration = false) => {
    const sender = { isQueued: false, sendNext: () => null };
    senders.set(sender, proxy);
    return quarantine.knownFor(sender, 'route', hasConfiguration).length > 0;
  };
  const reject = (id: string, part = guilty, peer?: string, violation: string | null = null) =>
    quarantine.rejected(known(proxyOf({ id }), peer), [part], {
      originsToCorrect: () => ['VirtualService/a/b'],
      violationOf: () => violation,
    });
  return { quarantine, spared, reject, pass: (ms: number) => (nowMs += ms) };
}

describe('a version that proxies reject', () => {
  it('is kept from new proxies once two proxies rejected it; one rejection is not enough', () => {
    const { spared, reject } = quarantined();
    reject('one');
    expect(spared(proxyOf({ id: 'new' }))).toBe(false);
    reject('one');
    expect(spared(proxyOf({ id: 'new' }))).toBe(false);
    reject('two');
    expect(spared(proxyOf({ id: 'new' }))).toBe(true);
  });

  it('is kept back only after rejections from two peers, since one peer can use any number of node ids', () => {
    const { spared, reject } = quarantined();
    for (const id of ['one', 'two', 'three']) reject(id, guilty, '10.0.0.1:1');
    expect(spared(proxyOf({ id: 'new' }))).toBe(false);
    reject('one', guilty, '10.0.0.2:1');
    expect(spared(proxyOf({ id: 'new' }))).toBe(true);
  });

  it('is kept from other proxies of the kind after one rejection if it violates a constraint of Envoy', () => {
    const { quarantine, spared, reject } = quarantined();
    reject('one', guilty, '10.0.0.1:1', 'domains[0] must not contain line feeds');
    expect(quarantine.isProven(guilty)).toBe(true);
    expect(spared(proxyOf({ id: 'new' }))).toBe(true);
    expect(spared(proxyOf({ id: 'new', client: 'grpc' }))).toBe(false);
    quarantine.accepted(known(proxyOf({ id: 'other' })), guilty);
    expect(spared(proxyOf({ id: 'new' }))).toBe(false);
  });

  it('is kept from no proxy because another peer claimed its node id', () => {
    const { spared, reject } = quarantined();
    reject('victim', guilty, '10.0.0.1:1');
    expect(spared(proxyOf({ id: 'victim' }), true)).toBe(false);
  });

  it('is sent to proxies of another kind', () => {
    const { spared, reject } = quarantined();
    for (const id of ['one', 'two']) reject(id);
    expect(spared(proxyOf({ id: 'new', client: 'grpc' }))).toBe(false);
  });

  it('is sent again once a proxy of the kind accepted it', () => {
    const { quarantine, spared, reject } = quarantined();
    for (const id of ['one', 'two', 'three']) reject(id);
    quarantine.accepted(known(proxyOf({ id: 'four' })), guilty);
    expect(spared(proxyOf({ id: 'new' }))).toBe(false);
  });

  it('is kept from a rejecting proxy that reconnects with its configuration, and sent again to one that restarted', () => {
    const { spared, reject } = quarantined();
    for (const id of ['one', 'two', 'three']) reject(id);
    expect(spared(proxyOf({ id: 'one' }), true)).toBe(true);
    expect(spared(proxyOf({ id: 'one' }), false)).toBe(false);
  });

  it('is analysed once, and keeps the last good version that a proxy had', () => {
    const { quarantine, reject } = quarantined();
    reject('one');
    reject('two', { ...guilty, lastGood: null });
    expect(quarantine.isToCorrect('VirtualService/a/b', guilty)).toBe(true);
    expect(quarantine.isToCorrect('VirtualService/a/other', guilty)).toBe(false);
    expect(quarantine.lastGood(guilty)).toBe(lastGood);
    expect(quarantine.lastGood({ ...guilty, hash: 'newer' })).toBeNull();
  });

  it('is forgotten an hour after it left all tables', () => {
    const { quarantine, reject, pass } = quarantined();
    reject('one');
    pass(3_000_000);
    quarantine.sweep(() => true);
    pass(3_000_000);
    quarantine.sweep(() => false);
    expect(quarantine.size).toBe(1);
    pass(1_000_000);
    quarantine.sweep(() => false);
    expect(quarantine.size).toBe(0);
  });

  it('is limited to a thousand versions', () => {
    const { quarantine, reject } = quarantined();
    for (let index = 0; index < 1_100; index++) reject('one', { ...guilty, hash: `${index}` });
    expect(quarantine.size).toBe(1_000);
    expect(quarantine.isKnown({ ...guilty, hash: '1099' })).toBe(true);
  });

  it('is saved at once, since the process may be killed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'binnacle-quarantine-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const path = join(folder, 'rejected-parts.json');
    const { quarantine, reject } = quarantined();
    const clock = fakeClock();
    const file = saveQuarantine({ path, quarantine, clock, log: silentLogger });
    reject('one');
    file.touch();
    clock.advance(20);
    await eventually(() => existsSync(path), { what: 'the file' });
    await file.close();
  });

  it('is restored from disk completely; a damaged file is ignored', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'binnacle-quarantine-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const path = join(folder, 'rejected-parts.json');
    const { quarantine, reject } = quarantined();
    reject('one');
    const file = saveQuarantine({ path, quarantine, clock: fakeClock(), log: silentLogger });
    file.touch();
    await file.close();
    const again = quarantined().quarantine;
    await restoreQuarantine({ path, quarantine: again, log: silentLogger });
    expect([...again.parts()]).toEqual([...quarantine.parts()]);
    await writeFile(path, (await readFile(path, 'utf8')).slice(0, -20));
    const empty = quarantined().quarantine;
    await restoreQuarantine({ path, quarantine: empty, log: silentLogger });
    expect(empty.size).toBe(0);
  });
});

describe('the rules to correct for a rejected part', () => {
  const revisions: Readonly<Record<string, number>> = { 'VirtualService/a/new': 7, 'VirtualService/a/old': 3 };
  const revisionOf = (origin: string) => revisions[origin] ?? 5;
  for (const { name, origins, want } of [
    {
      name: 'the rule that changed since the proxy accepted it',
      origins: ['service/a/b', 'VirtualService/a/old', 'VirtualService/a/new'],
      want: ['VirtualService/a/new'],
    },
    {
      name: 'the route before the policy that it uses',
      origins: ['DestinationRule/a/d', 'VirtualService/a/new'],
      want: ['VirtualService/a/new'],
    },
    {
      name: 'an unchanged rule if there is no other',
      origins: ['VirtualService/a/old'],
      want: ['VirtualService/a/old'],
    },
    { name: 'a service only where no rule had a share', origins: ['service/a/b'], want: ['service/a/b'] },
  ]) {
    it(name, () => expect(originsToCorrect({ origins, acceptedThrough: 4, revisionOf })).toEqual(want));
  }
});
