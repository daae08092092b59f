import { describe, expect, test } from 'vitest';
import { createBook, type NamespaceBook } from '../../../../adapters/nacos/book.ts';

const name = { namespace: 'public', group: 'G', name: 'orders' };
let time = 0;

const info = (...ips: readonly string[]) => ({
  hosts: ips.map((ip) => ({ ip, port: 80 })),
  lastRefTime: ++time,
  reachProtectionThreshold: false,
});

/** Returns the addresses of what changed, or null for a removed service. */
const changes = (book: NamespaceBook) =>
  Object.fromEntries(
    [...book.takeChanges()].map(([key, entry]) => [key.split('@@')[2], entry?.instances.map(({ ip }) => ip) ?? null]),
  );

const own = (ip: string) => ({
  ...{ ip, port: 80, weight: 1, healthy: true, enabled: true, clusterName: 'DEFAULT', metadata: {} },
});

function bookWith(...ips: readonly string[]): NamespaceBook {
  const book = createBook({ namespace: 'public', keepEmptyMs: 60_000, protectThreshold: 0.5 });
  book.connected();
  book.listed('G', ['orders'], 0);
  book.received(name, info(...ips), 0);
  book.takeChanges();
  return book;
}

describe('the book of a namespace', () => {
  test('takes what the server lists', () => {
    const book = bookWith('10.0.0.1', '10.0.0.2');
    expect(book.received(name, info('10.0.0.2', '10.0.0.3'), 0)).toEqual({ type: 'applied', hasReturned: false });
    expect(changes(book)).toEqual({ orders: ['10.0.0.2', '10.0.0.3'] });
  });

  test('ignores a list that is older than the last one', () => {
    const older = info('10.0.0.9');
    const book = bookWith('10.0.0.1');
    expect(book.received(name, older, 0)).toEqual({ type: 'outdated' });
    expect(changes(book)).toEqual({});
  });

  test('takes lists of a server whose clock is behind that of the last one', () => {
    const older = info('10.0.0.9');
    const book = bookWith('10.0.0.1');
    book.connected();
    book.received(name, older, 0);
    book.settle();
    expect(changes(book)).toEqual({ orders: ['10.0.0.9'] });
  });

  test('serves what this program has registered until a list has it, and then what lists say', () => {
    const book = bookWith('10.0.0.1');
    book.registered(name, [own('10.0.0.2'), own('10.0.0.3')]);
    expect(changes(book)).toEqual({ orders: ['10.0.0.1', '10.0.0.2', '10.0.0.3'] });
    book.received(name, info('10.0.0.1', '10.0.0.2'), 0);
    expect(changes(book)).toEqual({ orders: ['10.0.0.1', '10.0.0.2', '10.0.0.3'] });
    book.received(name, info('10.0.0.1'), 0); // 10.0.0.2 was disabled at the server
    expect(changes(book)).toEqual({ orders: ['10.0.0.1', '10.0.0.3'] });
    book.registered(name, []);
    expect(changes(book)).toEqual({ orders: ['10.0.0.1'] });
  });

  test('serves what this program has registered for a service that is not listed yet, and follows it then', () => {
    const book = bookWith();
    const late = { ...name, name: 'late' };
    book.registered(late, [own('10.0.0.2')]);
    expect(changes(book)).toEqual({ late: ['10.0.0.2'] });
    expect(book.listed('G', ['orders', 'late'], 0)).toEqual([late]);
    book.received(late, info('10.0.0.2'), 0);
    book.registered(late, []);
    expect(changes(book)).toEqual({ late: ['10.0.0.2'] });
    const other = { ...name, name: 'other' };
    book.registered(other, [own('10.0.0.4')]);
    book.registered(other, []);
    expect(changes(book)).toEqual({ other: null });
  });

  test('ignores services that it does not follow', () => {
    expect(bookWith().received({ ...name, name: 'other' }, info('10.0.0.1'), 0)).toEqual({ type: 'outdated' });
  });

  test('keeps the last instances until an empty list is confirmed', () => {
    const book = bookWith('10.0.0.1');
    expect(book.received(name, info(), 0)).toEqual({ type: 'unconfirmed' });
    expect(changes(book)).toEqual({});
    book.confirm(name, info(), 0);
    expect(changes(book)).toEqual({ orders: [] });
  });

  for (const { left, want } of [
    { left: ['10.0.0.1', '10.0.0.2'], want: 'applied' },
    { left: ['10.0.0.1'], want: 'unconfirmed' },
    { left: ['10.0.0.8'], want: 'unconfirmed' },
    { left: ['10.0.0.7', '10.0.0.8'], want: 'applied' },
  ])
    test(`of four instances, ${left.join(' and ')} left are ${want}`, () => {
      const book = bookWith('10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4');
      expect(book.received(name, info(...left), 0).type).toBe(want);
      expect(changes(book)).toEqual(want === 'applied' ? { orders: left } : {});
    });

  test('applies what another server lists instead, and says that the loss is not confirmed', () => {
    const book = bookWith('10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4');
    book.received(name, info('10.0.0.1'), 0);
    expect(book.confirm(name, info('10.0.0.1', '10.0.0.2', '10.0.0.3'), 0)).toBe(false);
    expect(changes(book)).toEqual({ orders: ['10.0.0.1', '10.0.0.2', '10.0.0.3'] });
  });

  for (const { what, weight, afterMs, want } of [
    { what: 'with the weight that it had', weight: 5, afterMs: 59_000, want: true },
    { what: 'with another weight', weight: 7, afterMs: 59_000, want: false },
    { what: 'with the usual weight', weight: 1, afterMs: 59_000, want: false },
    { what: 'after more than a minute', weight: 5, afterMs: 61_000, want: false },
  ])
    test(`${want ? 'notices' : 'does not mind'} an instance that returns ${what}`, () => {
      const book = bookWith('10.0.0.2', '10.0.0.3');
      const back = { ip: '10.0.0.1', port: 80, weight };
      const others = info('10.0.0.2', '10.0.0.3').hosts;
      const given = { ...back, weight: what === 'with the usual weight' ? 1 : 5 };
      book.received(name, { ...info(), hosts: [...others, given] }, 0);
      book.received(name, { ...info(), hosts: others }, 1_000);
      const received = book.received(name, { ...info(), hosts: [...others, back] }, 1_000 + afterMs);
      expect(received).toEqual({ type: 'applied', hasReturned: want });
      const again = book.received(name, { ...info(), hosts: [...others, back] }, 2_000 + afterMs);
      expect(again).toEqual({ type: 'applied', hasReturned: false });
    });

  test('asks no confirmation of a service that was empty', () => {
    expect(bookWith().received(name, info(), 0)).toEqual({ type: 'applied', hasReturned: false });
  });

  test('empties a service that is no longer listed once that is confirmed, and removes it a while later', () => {
    const book = bookWith('10.0.0.1');
    expect(book.listed('G', ['ratings', ' '], 1_000)).toEqual([{ ...name, name: 'ratings' }]);
    expect([changes(book), book.takeUnconfirmed()]).toEqual([{}, [name]]);
    expect(book.confirm(name, info(), 1_000)).toBe(true);
    expect(changes(book)).toEqual({ orders: [] });
    book.listed('G', ['ratings'], 60_999);
    expect(changes(book)).toEqual({});
    book.listed('G', ['ratings'], 61_000);
    expect(changes(book)).toEqual({ orders: null });
    expect(book.listed('H', [], 61_000)).toEqual([]);
    expect(book.names()).toEqual([{ ...name, name: 'ratings' }]);
  });

  test('names entries that are no instances, and serves the others', () => {
    const book = createBook({ namespace: 'public', keepEmptyMs: 60_000, protectThreshold: 0.5 });
    book.add(name);
    book.received(
      name,
      {
        ...info('10.0.0.1'),
        hosts: [
          { ip: '10.0.0.1', port: 80 },
          { ip: '10.0.0.2', port: -1 },
        ],
      },
      0,
    );
    const [entry] = [...book.takeChanges().values()];
    expect(entry?.instances.map(({ ip }) => ip)).toEqual(['10.0.0.1']);
    expect(entry?.faults).toEqual([expect.stringMatching(/^instance 2 of its list: port/)]);
  });

  test('of several entries for one address takes the last one', () => {
    const book = createBook({ namespace: 'public', keepEmptyMs: 60_000, protectThreshold: 0.5 });
    book.add(name);
    const hosts = [1, 2].map((weight) => ({ ip: '10.0.0.1', port: 80, weight }));
    book.received(name, { ...info(), hosts }, 0);
    const [entry] = [...book.takeChanges().values()];
    expect(entry?.instances.map(({ weight }) => weight)).toEqual([2]);
  });
});

describe('after a connection to a server that was restarted, the book', () => {
  function reconnected(): NamespaceBook {
    const book = bookWith('10.0.0.1', '10.0.0.2');
    book.connected();
    return book;
  }

  test('keeps instances that have not registered again, until it settles', () => {
    const book = reconnected();
    book.received(name, info(), 0);
    book.received(name, info('10.0.0.2'), 0);
    expect(changes(book)).toEqual({ orders: ['10.0.0.2', '10.0.0.1'] });
    book.settle();
    expect(changes(book)).toEqual({ orders: ['10.0.0.2'] });
  });

  test('keeps services that are not listed yet, until it settles', () => {
    const book = reconnected();
    book.listed('G', [], 0);
    expect(changes(book)).toEqual({});
    book.settle();
    expect([changes(book), book.takeUnconfirmed()]).toEqual([{}, [name]]);
    book.confirm(name, info(), 0);
    expect(changes(book)).toEqual({ orders: [] });
    book.listed('G', [], 60_000);
    expect(changes(book)).toEqual({ orders: null });
  });

  test('keeps a service that came back before it settled', () => {
    const book = reconnected();
    book.listed('G', [], 0);
    book.listed('G', ['orders'], 0);
    book.received(name, info('10.0.0.1', '10.0.0.2'), 0);
    book.settle();
    expect(changes(book)).toEqual({ orders: ['10.0.0.1', '10.0.0.2'] });
  });

  test('has a loss of most instances confirmed when it settles', () => {
    const book = bookWith('10.0.0.1', '10.0.0.2', '10.0.0.3');
    book.connected();
    book.received(name, info('10.0.0.3'), 0);
    book.takeChanges();
    book.settle();
    expect([changes(book), book.takeUnconfirmed()]).toEqual([{}, [name]]);
    expect(book.confirm(name, info('10.0.0.3'), 0)).toBe(true);
    expect(changes(book)).toEqual({ orders: ['10.0.0.3'] });
  });

  test('takes changed and new instances at once', () => {
    const book = reconnected();
    book.received(
      name,
      {
        ...info(),
        hosts: [
          { ip: '10.0.0.1', port: 80, weight: 7 },
          { ip: '10.0.0.3', port: 80 },
        ],
      },
      0,
    );
    const [entry] = [...book.takeChanges().values()];
    expect(entry?.instances.map(({ ip, weight }) => [ip, weight])).toEqual([
      ['10.0.0.1', 7],
      ['10.0.0.3', 1],
      ['10.0.0.2', 1],
    ]);
  });

  test('keeps the instances of a service that the server has not answered for', () => {
    const book = reconnected();
    book.settle();
    expect(changes(book)).toEqual({});
  });
});
