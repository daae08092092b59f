import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { NodeEvent } from '../../../../adapters/zookeeper/client/protocol.ts';
import { Mirror, type NodeInterest, type NodeRead } from '../../../../adapters/zookeeper/tree/mirror.ts';
import { runs } from '../../../support/property-runs.ts';

const interestIn = (names: readonly string[]): NodeInterest =>
  names[0] === 'c' ? null : names.length < 2 ? 'children' : names.length === 2 ? 'data' : null;

/** Server that answers reads and sends events in one order, as a real one does over a connection. */
class FakeServer {
  readonly nodes = new Map<string, string>([['/r', '']]);
  readonly #sent: ((mirror: Mirror) => readonly NodeRead[])[] = [];

  event(event: NodeEvent): void {
    this.#sent.push((mirror) => (mirror.covers(event.path) ? mirror.receive(event) : []));
  }

  answer({ what, path }: NodeRead): void {
    const data = this.nodes.get(path);
    const children =
      data === undefined
        ? null
        : [...this.nodes.keys()].filter(
            (key) => key.startsWith(`${path}/`) && !key.slice(path.length + 1).includes('/'),
          );
    this.#sent.push((mirror) => {
      if (what === 'children') return mirror.listed(path, children?.map((key) => key.slice(path.length + 1)) ?? null);
      mirror.read(path, data === undefined ? null : Buffer.from(data));
      return [];
    });
  }

  /** Delivers the next message and returns the reads that it leads to. */
  deliver(mirror: Mirror): readonly NodeRead[] {
    return this.#sent.shift()?.(mirror) ?? [];
  }

  get hasMore(): boolean {
    return this.#sent.length > 0;
  }

  create(path: string, data: string): void {
    if (this.nodes.has(path) || !this.nodes.has(path.slice(0, path.lastIndexOf('/')))) return;
    this.nodes.set(path, data);
    this.event({ type: 'created', path });
  }

  change(path: string, data: string): void {
    if (!this.nodes.has(path)) return;
    this.nodes.set(path, data);
    this.event({ type: 'changed', path });
  }

  remove(path: string): void {
    if (!this.nodes.has(path) || [...this.nodes.keys()].some((key) => key.startsWith(`${path}/`))) return;
    this.nodes.delete(path);
    this.event({ type: 'deleted', path });
  }

  /** Changes a node while the client is away, without an event. */
  unseen(change: (server: FakeServer) => void): void {
    const before = this.#sent.length;
    change(this);
    this.#sent.length = before;
  }
}

const path = fc.constantFrom('/r', '/r/a', '/r/b', '/r/c', '/r/a/1', '/r/a/2', '/r/b/1', '/r/c/1', '/r/a/1/x');
const step = fc.oneof(
  fc.record({ do: fc.constantFrom('create', 'change'), path, data: fc.constantFrom('x', 'y') }),
  fc.record({ do: fc.constant('remove'), path, data: fc.constant('') }),
  fc.record({ do: fc.constantFrom('deliver', 'answer', 'restart'), path, data: fc.constant('') }),
  fc.record({
    do: fc.constantFrom('unseen create', 'unseen remove', 'unseen change'),
    path,
    data: fc.constantFrom('x', 'y'),
  }),
);

it('has what the server has, however events, answers and gaps are mixed', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const server = new FakeServer();
      const mirror = new Mirror({ root: '/r', interestIn });
      const seen = new Map<string, string | null>();
      const wanted: NodeRead[] = [...mirror.restart()];
      let hasGap = false;
      const perform = (server_: FakeServer, verb: string, at: string, data: string) =>
        verb === 'create'
          ? server_.create(at, data)
          : verb === 'remove'
            ? server_.remove(at)
            : server_.change(at, data);
      const drain = () => {
        while (wanted.length > 0 || server.hasMore) {
          const next = wanted.shift();
          if (next !== undefined) server.answer(next);
          wanted.push(...server.deliver(mirror));
        }
      };
      const apply = () => {
        for (const change of mirror.takeChanges()) {
          const key = change.names.join('/');
          if (change.type === 'removed') {
            expect(seen.has(key)).toBe(true); // nothing is removed that was not there
            seen.delete(key);
          } else seen.set(key, change.data?.toString() ?? null);
        }
      };
      for (const { do: verb, path: at, data } of steps) {
        const next = verb === 'answer' ? wanted.shift() : undefined;
        if (next !== undefined) server.answer(next);
        else if (verb === 'deliver') wanted.push(...server.deliver(mirror));
        else if (verb === 'restart') wanted.push(...mirror.restart());
        else if (verb.startsWith('unseen ')) {
          drain(); // a gap begins with a new connection, which has neither answers nor events under way
          server.unseen((quiet) => perform(quiet, verb.slice(7), at, data));
          hasGap = true;
        } else perform(server, verb, at, data);
        if (hasGap && !verb.startsWith('unseen')) {
          wanted.push(...mirror.restart());
          hasGap = false;
        }
        apply();
      }
      if (hasGap) wanted.push(...mirror.restart());
      drain();
      apply();
      expect(Object.fromEntries(seen)).toEqual(wantedContents(server.nodes));
    }),
    { numRuns: runs(2_000) },
  );
});

/** Returns what matters of the server's nodes. */
function wantedContents(nodes: ReadonlyMap<string, string>): Readonly<Record<string, string | null>> {
  return Object.fromEntries(
    [...nodes].flatMap(([at, data]) => {
      const names = at.split('/').slice(2);
      const interest = names.length === 0 ? null : interestIn(names);
      return interest === null ? [] : [[names.join('/'), interest === 'data' ? data : null]];
    }),
  );
}
