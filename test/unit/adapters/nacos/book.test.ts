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

function bookWith(...ips: readonly string[]): NamespaceBook {
  const book = createBook('public', 60_000);
  book.connected();
  book.listed('G', ['orders'], 0);
  book.received(name, info(...ips));
  book.takeChanges();
  return book;
}

describe('the book of a namespace', () => {
  test('takes what the server lists', () => {
    const book = bookWith('10.0.0.1', '10.0.0.2');
    expect(book.received(name, info('10.0.0.2', '10.0.0.3'))).toEqual({ type: 'applied' });
    expect(changes(book)).toEqual({ orders: ['10.0.0.2', '10.0.0.3'] });
  });

  test('ignores a list that is older than the last one', () => {
    const older = info('10.0.0.9');
    const book = bookWith('10.0.0.1');
    expect(book.received(name, older)).toEqual({ type: 'outdated' });
    expect(changes(book)).toEqual({});
  });

  test('takes lists of a server whose clock is behind that of the last one', () => {
    const older = info('10.0.0.9');
    const book = bookWith('10.0.0.1');
    book.connected();
    book.received(name, older);
    book.settle();
    expect(changes(book)).toEqual({ orders: ['10.0.0.9'] });
  });

  test('ignores services that it does not follow', () => {
    expect(bookWith().received({ ...name, name: 'other' }, info('10.0.0.1'))).toEqual({ type: 'outdated' });
  });

  test('keeps the last instances until an empty list is confirmed', () => {
    const book = bookWith('10.0.0.1');
    expect(book.received(name, info())).toEqual({ type: 'unconfirmed' });
    expect(changes(book)).toEqual({});
    book.confirm(name, info());
    expect(changes(book)).toEqual({ orders: [] });
  });

  test('asks no confirmation of a service that was empty', () => {
    expect(bookWith().received(name, info())).toEqual({ type: 'applied' });
  });

  test('empties a service that is no longer listed, and removes it a while later', () => {
    const book = bookWith('10.0.0.1');
    expect(book.listed('G', ['ratings', ' '], 1_000)).toEqual([{ ...name, name: 'ratings' }]);
    expect(changes(book)).toEqual({ orders: [] });
    book.listed('G', ['ratings'], 60_999);
    expect(changes(book)).toEqual({});
    book.listed('G', ['ratings'], 61_000);
    expect(changes(book)).toEqual({ orders: null });
    expect(book.listed('H', [], 61_000)).toEqual([]);
    expect(book.names()).toEqual([{ ...name, name: 'ratings' }]);
  });

  test('names entries that are no instances, and serves the others', () => {
    const book = createBook('public', 60_000);
    book.add(name);
    book.received(name, {
      ...info('10.0.0.1'),
      hosts: [
        { ip: '10.0.0.1', port: 80 },
        { ip: '10.0.0.2', port: -1 },
      ],
    });
    const [entry] = [...book.takeChanges().values()];
    expect(entry?.instances.map(({ ip }) => ip)).toEqual(['10.0.0.1']);
    expect(entry?.faults).toEqual([expect.stringMatching(/^instance 2 of its list: port/)]);
  });

  test('of several entries for one address takes the last one', () => {
    const book = createBook('public', 60_000);
    book.add(name);
    const hosts = [1, 2].map((weight) => ({ ip: '10.0.0.1', port: 80, weight }));
    book.received(name, { ...info(), hosts });
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
    book.received(name, info());
    book.received(name, info('10.0.0.2'));
    expect(changes(book)).toEqual({ orders: ['10.0.0.2', '10.0.0.1'] });
    book.settle();
    expect(changes(book)).toEqual({ orders: ['10.0.0.2'] });
  });

  test('keeps services that are not listed yet, until it settles', () => {
    const book = reconnected();
    book.listed('G', [], 0);
    expect(changes(book)).toEqual({});
    book.settle();
    expect(changes(book)).toEqual({ orders: [] });
    book.listed('G', [], 60_000);
    expect(changes(book)).toEqual({ orders: null });
  });

  test('keeps a service that came back before it settled', () => {
    const book = reconnected();
    book.listed('G', [], 0);
    book.listed('G', ['orders'], 0);
    book.received(name, info('10.0.0.1', '10.0.0.2'));
    book.settle();
    expect(changes(book)).toEqual({ orders: ['10.0.0.1', '10.0.0.2'] });
  });

  test('takes changed and new instances at once', () => {
    const book = reconnected();
    book.received(name, {
      ...info(),
      hosts: [
        { ip: '10.0.0.1', port: 80, weight: 7 },
        { ip: '10.0.0.3', port: 80 },
      ],
    });
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
