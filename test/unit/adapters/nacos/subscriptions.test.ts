import { describe, expect, test } from 'vitest';
import { createBook } from '../../../../adapters/nacos/book.ts';
import { NacosError } from '../../../../adapters/nacos/connection.ts';
import type { ServiceInfo } from '../../../../adapters/nacos/messages.ts';
import { createSubscriptions } from '../../../../adapters/nacos/subscriptions.ts';
import { silentLogger } from '../../../../src/lib/logger.ts';
import { fakeClock } from '../../../support/fake-clock.ts';

const name = { namespace: 'public', group: 'G', name: 'orders' };
let time = 0;

const at = (...ips: readonly string[]) => ips.map((ip) => ({ ip, port: 80 }));
const info = (hosts: readonly object[]): ServiceInfo => ({
  hosts,
  lastRefTime: ++time,
  reachProtectionThreshold: false,
});

/** Lets all promises that are due run. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Subscriptions of one service. The server answers as `server.answer` says, another one with `server.other`. */
function start() {
  const clock = fakeClock();
  const book = createBook({ namespace: 'public', keepEmptyMs: 60_000, protectThreshold: 0.5 });
  const problems = new Map<string, string>();
  const abort = new AbortController();
  const server = {
    asked: 0,
    opinions: 0,
    answer: (): readonly object[] => at('10.0.0.1'),
    other: null as readonly object[] | null, // tests set it
  };
  book.add(name);
  const subscriptions = createSubscriptions({
    book,
    clock,
    log: silentLogger,
    signal: abort.signal,
    async request() {
      server.asked += 1;
      return { serviceInfo: { ...info(server.answer()) } };
    },
    async secondOpinion() {
      server.opinions += 1;
      return server.other === null ? null : info(server.other);
    },
    changed: () => {},
    problem: (origin, message) => (message === null ? problems.delete(origin) : problems.set(origin, message)),
  });
  return {
    server,
    subscriptions,
    problems,
    abort,
    async advance(ms: number) {
      clock.advance(ms);
      await settled();
    },
    async subscribe() {
      subscriptions.add(name);
      await settled();
    },
    addresses() {
      const [entry] = [...book.takeChanges().values()];
      return entry?.instances.map(({ ip }) => ip) ?? null;
    },
  };
}

describe('a subscription that gets no answer', () => {
  const late = () => {
    throw new Error('no answer within 10 s');
  };

  test('is asked for again after a second at most, and named only if that fails as well', async () => {
    const { server, subscribe, advance, problems, addresses } = start();
    server.answer = late;
    await subscribe();
    expect([server.asked, problems.size]).toEqual([1, 0]);
    await advance(1_000);
    expect(server.asked).toBe(2);
    expect([...problems.values()]).toEqual(['it cannot be read: no answer within 10 s']);
    server.answer = () => at('10.0.0.1');
    await advance(2_000);
    expect([server.asked, problems.size, addresses()]).toEqual([3, 0, ['10.0.0.1']]);
  });

  test('is asked for ever more rarely, at least once a minute', async () => {
    const { server, subscribe, advance } = start();
    server.answer = late;
    await subscribe();
    for (let second = 0; second < 600; second += 1) await advance(1_000);
    expect(server.asked).toBeGreaterThan(14);
    expect(server.asked).toBeLessThan(30);
  });

  test('is asked for no more after the end of the connection', async () => {
    const { server, subscribe, advance, abort } = start();
    server.answer = late;
    await subscribe();
    abort.abort();
    await advance(60_000);
    expect(server.asked).toBe(1);
  });

  test('is named at once if the server refuses it', async () => {
    const { server, subscribe, problems } = start();
    server.answer = () => {
      throw new NacosError(403, 'denied');
    };
    await subscribe();
    expect([...problems.values()]).toEqual(['it cannot be read: denied']);
  });
});

describe('a list with far fewer instances than before', () => {
  async function lost(other: readonly object[] | null) {
    const started = start();
    started.server.answer = () => at('10.0.0.1', '10.0.0.2', '10.0.0.3');
    await started.subscribe();
    started.addresses();
    started.server.other = other;
    started.server.answer = () => at('10.0.0.3');
    started.subscriptions.received(name, info(at('10.0.0.3')));
    await settled();
    return started;
  }

  test('applies when another server has the same', async () => {
    const { addresses, server, advance } = await lost(at('10.0.0.3'));
    expect([addresses(), server.opinions]).toEqual([['10.0.0.3'], 1]);
    await advance(60_000);
    expect(server.asked).toBe(1);
  });

  test('is kept out while another server has the instances, and asked for again', async () => {
    const { addresses, server, advance } = await lost(at('10.0.0.2', '10.0.0.3'));
    expect(addresses()).toEqual(['10.0.0.2', '10.0.0.3']);
    server.answer = () => at('10.0.0.1', '10.0.0.2', '10.0.0.3');
    await advance(5_000);
    expect([addresses(), server.asked]).toEqual([['10.0.0.1', '10.0.0.2', '10.0.0.3'], 2]);
  });

  test('is kept out while nobody else answers, and asked for again', async () => {
    const { addresses, server, advance } = await lost(null);
    expect(addresses()).toBeNull();
    server.other = at('10.0.0.3');
    await advance(5_000);
    expect([addresses(), server.opinions]).toEqual([['10.0.0.3'], 2]);
  });
});

test('an instance that is back with its old weight is asked for once more, a little later', async () => {
  const { server, subscribe, subscriptions, advance } = start();
  const back = { ip: '10.0.0.1', port: 80, weight: 5 };
  const others = at('10.0.0.2', '10.0.0.3');
  server.answer = () => [...others, back];
  await subscribe();
  subscriptions.received(name, info(others));
  subscriptions.received(name, info([...others, back]));
  await advance(60_000);
  expect(server.asked).toBe(2);
  await advance(600_000);
  expect(server.asked).toBe(2);
});
