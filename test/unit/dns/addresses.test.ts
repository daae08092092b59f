import { describe, expect, test } from 'vitest';
import { createAddresses } from '../../../src/dns/addresses.ts';
import { fakeClock } from '../../support/fake-clock.ts';

/** Addresses with a resolver that answers when the test says so. */
function start() {
  const clock = fakeClock();
  const asked: { readonly host: string; readonly answer: PromiseWithResolvers<readonly string[]> }[] = [];
  const changes: string[] = [];
  const abort = new AbortController();
  const addresses = createAddresses({
    clock,
    changed: (host, users) => changes.push(`${host} of ${users.join()}`),
    resolve(host) {
      const answer = Promise.withResolvers<readonly string[]>();
      asked.push({ host, answer });
      return answer.promise;
    },
  });
  const running = addresses.run(abort.signal);
  return {
    addresses,
    clock,
    changes,
    /** Hosts that wait for an answer. */
    asked: () => asked.map(({ host }) => host),
    /** Answers the oldest question. */
    async answer(result: readonly string[] | Error) {
      const next = asked.shift();
      if (result instanceof Error) next?.answer.reject(result);
      else next?.answer.resolve(result);
      await settled();
    },
    async advance(ms: number) {
      clock.advance(ms);
      await settled();
    },
    async end() {
      abort.abort();
      await running;
    },
  };
}

/** Lets all promises that are due run. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('a host name that is used', () => {
  test('is resolved at once, and its user is told the sorted addresses', async () => {
    const { addresses, changes, answer, asked } = start();
    addresses.use('orders', ['db.example']);
    expect([asked(), addresses.of('db.example'), addresses.isPending()]).toEqual([['db.example'], [], true]);
    await answer(['10.0.0.2', '10.0.0.1', '10.0.0.2']);
    expect(addresses.of('db.example')).toEqual(['10.0.0.1', '10.0.0.2']);
    expect([changes, addresses.isPending()]).toEqual([['db.example of orders'], false]);
  });

  test('is resolved again every 30 s for as long as it is used; equal answers change nothing', async () => {
    const { addresses, changes, answer, advance, asked } = start();
    addresses.use('orders', ['db.example']);
    await answer(['10.0.0.1']);
    for (let round = 0; round < 10; round += 1) {
      for (let part = 0; part < 6; part += 1) await advance(5_000);
      expect(asked()).toEqual(['db.example']);
      await answer([round === 9 ? '10.0.0.9' : '10.0.0.1']);
    }
    expect(changes).toEqual(['db.example of orders', 'db.example of orders']);
    expect(addresses.of('db.example')).toEqual(['10.0.0.9']);
  });

  test('keeps its last addresses while it cannot be resolved, and is asked for every 5 s then', async () => {
    const { addresses, answer, advance, asked } = start();
    addresses.use('orders', ['db.example']);
    await answer(['10.0.0.1']);
    for (let part = 0; part < 6; part += 1) await advance(5_000);
    await answer(new Error('ENOTFOUND'));
    expect([addresses.of('db.example'), addresses.fault('db.example')]).toEqual([['10.0.0.1'], 'ENOTFOUND']);
    await advance(5_000);
    expect(asked()).toEqual(['db.example']);
    await answer(['10.0.0.1']);
    expect(addresses.fault('db.example')).toBeNull();
  });

  test('is forgotten after its last user, and its fault with it', async () => {
    const { addresses, changes, answer, advance, asked } = start();
    addresses.use('orders', ['db.example']);
    addresses.use('ratings', ['db.example']);
    await answer(new Error('ENOTFOUND'));
    addresses.use('orders', []);
    expect(addresses.fault('db.example')).toBe('ENOTFOUND');
    addresses.use('ratings', ['other.example']);
    expect([addresses.fault('db.example'), changes.at(-1)]).toEqual([null, 'db.example of ']);
    await answer(['10.0.0.1']);
    await advance(5_000);
    expect(asked()).toEqual([]);
  });
});

describe('a resolver', () => {
  test('that does not answer holds up nobody for more than 3 s, and its late answer counts', async () => {
    const { addresses, answer, advance, asked } = start();
    addresses.use('orders', ['a.example', 'b.example', 'c.example']);
    expect(asked()).toEqual(['a.example', 'b.example']);
    await advance(3_000);
    expect(asked()).toEqual(['a.example', 'b.example', 'c.example']);
    expect([addresses.fault('a.example'), addresses.isPending()]).toEqual(['no answer within 3 s', false]);
    await answer(['10.0.0.1']);
    expect([addresses.of('a.example'), addresses.fault('a.example')]).toEqual([['10.0.0.1'], null]);
  });

  test('that answers after the end changes nothing', async () => {
    const { addresses, changes, answer, end } = start();
    addresses.use('orders', ['db.example']);
    await end();
    await answer(['10.0.0.1']);
    expect(changes).toEqual([]);
  });
});
