import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Mode } from '../../src/xds/wire/response.ts';
import { ask, hear, Server } from '../support/conversation.ts';
import { runs } from '../support/property-runs.ts';

/*
 * One type, and a client that changes its mind: "*" comes and goes, and names with it. Whatever it asked for in between,
 * in the end it has what it asks for now, as far as there is any.
 */
const names = ['a', 'b', 'c', 'd'];

interface Wish {
  readonly star: boolean;
  readonly names: readonly string[];
}

type Step =
  | { readonly do: 'commit'; readonly clusters: Readonly<Record<string, number>> }
  | { readonly do: 'ask'; readonly wish: Wish }
  | { readonly do: 'hear' | 'answer' | 'reconnect' };

const commit = fc.record({
  do: fc.constant('commit' as const),
  clusters: fc.dictionary(fc.constantFrom(...names), fc.integer({ min: 1, max: 3 }), { maxKeys: 4 }),
});
const wish = fc.record({ star: fc.boolean(), names: fc.subarray([...names, 'never']) });
const asking = fc.record({ do: fc.constant('ask' as const), wish });
const simple = fc.record({ do: fc.constantFrom('hear' as const, 'answer' as const) });
const reconnect = fc.record({ do: fc.constant('reconnect' as const) });
const script: fc.Arbitrary<Step[]> = fc.array(fc.oneof(commit, asking, asking, simple, simple, simple, reconnect), {
  maxLength: 50,
});

class Asker {
  readonly has = new Map<string, string>();
  readonly #server: Server;
  readonly #mode: Mode;
  #stream;
  #wish: Wish = { star: true, names: [] };
  #nonce = '';
  #unanswered = false;
  /** On this stream. */
  #hasAsked = false;

  constructor(server: Server, mode: Mode) {
    this.#server = server;
    this.#mode = mode;
    this.#stream = server.connect(mode);
    this.#begin();
  }

  reconnect(): void {
    this.#server.disconnect(this.#stream);
    this.#stream = this.#server.connect(this.#mode);
    this.#begin();
  }

  asks(wish: Wish): void {
    const [before, now] = [listOf(this.#wish), listOf(wish)];
    this.#wish = wish;
    for (const name of this.has.keys()) if (!this.#wants(name)) this.has.delete(name);
    if (this.#mode === 'sotw') {
      if (!this.#hasAsked) {
        this.#begin();
        return;
      }
      this.#unanswered = false; // the list goes with the newest nonce: an acknowledgement too
      ask(this.#server, this.#stream, 'cluster', { names: now, nonce: this.#nonce });
      return;
    }
    const added = now.filter((name) => !before.includes(name));
    const drop = before.filter((name) => !now.includes(name));
    if (added.length + drop.length > 0) ask(this.#server, this.#stream, 'cluster', { names: added, drop });
  }

  hear(): boolean {
    const response = this.#server.next(this.#stream);
    if (response === null) return false;
    const { nonce, resources, removed } = hear(this.#mode, response);
    this.#nonce = nonce;
    this.#unanswered = true;
    if (this.#mode === 'sotw') this.has.clear();
    for (const [name, content] of resources) if (this.#wants(name)) this.has.set(name, content);
    for (const name of removed) this.has.delete(name);
    return true;
  }

  answer(): boolean {
    if (!this.#unanswered) return false;
    this.#unanswered = false;
    const list = this.#mode === 'sotw' ? listOf(this.#wish) : [];
    ask(this.#server, this.#stream, 'cluster', { names: list, nonce: this.#nonce });
    return true;
  }

  rest(): void {
    for (let steps = 0; this.hear() || this.answer(); steps++)
      if (steps > 1_000) throw new Error('never comes to rest');
  }

  wanted(clusters: Readonly<Record<string, number>>): Map<string, string> {
    return new Map(
      Object.entries(clusters).flatMap(([name, content]) => (this.#wants(name) ? [[name, `${content}`]] : [])),
    );
  }

  #begin(): void {
    this.#nonce = '';
    this.#unanswered = false;
    const list = listOf(this.#wish);
    // A first request without names means everything: who wants nothing asks for nothing.
    this.#hasAsked = list.length > 0;
    if (this.#hasAsked) ask(this.#server, this.#stream, 'cluster', { names: list, has: Object.fromEntries(this.has) });
  }

  #wants(name: string): boolean {
    return this.#wish.star || this.#wish.names.includes(name);
  }
}

const listOf = ({ star, names: listed }: Wish): string[] => [...(star ? ['*'] : []), ...listed];

describe('subscriptions', () => {
  for (const mode of ['sotw', 'delta'] as const) {
    it(`${mode}: after any history, the client has exactly the resources of its current subscription`, () => {
      fc.assert(
        fc.property(script, wish, (steps, last) => {
          const server = new Server({ logRecords: 3, tombstones: 3 });
          const asker = new Asker(server, mode);
          let clusters: Readonly<Record<string, number>> = {};
          for (const step of steps) {
            switch (step.do) {
              case 'commit':
                server.commit({ cluster: difference(clusters, step.clusters) });
                clusters = step.clusters;
                break;
              case 'ask':
                asker.asks(step.wish);
                break;
              default:
                asker[step.do]();
            }
          }
          asker.rest();
          asker.asks(last);
          asker.rest();
          expect(asker.has).toEqual(asker.wanted(clusters));
        }),
        { numRuns: runs(1_000) },
      );
    });
  }
});

function difference(before: Readonly<Record<string, number>>, after: Readonly<Record<string, number>>) {
  const gone = Object.keys(before).filter((name) => !(name in after));
  const changed = Object.entries(after).filter(([name, content]) => before[name] !== content);
  return Object.fromEntries([
    ...gone.map((name) => [name, null] as const),
    ...changed.map(([name, content]) => [name, `${content}`] as const),
  ]);
}
