import { type ClientRequest, request } from 'node:http';
import type { Random } from './random.ts';
import { watchPaths } from './rules.ts';

/** Watches of rules and services. Some are read, some are not; all are dropped without a message. */
export class SoakWatches {
  readonly #port: number;
  readonly #random: Random;
  readonly #open = new Map<ClientRequest, number>();
  opened = 0;
  events = 0;

  constructor(port: number, random: Random) {
    this.#port = port;
    this.#random = random;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Drops watches whose time is over, and opens others until there are `target`. */
  tick(target: number): void {
    const now = performance.now();
    for (const [watch, untilMs] of this.#open) if (untilMs <= now) watch.destroy();
    if (this.#open.size < target) this.#openOne(now);
  }

  closeAll(): void {
    for (const watch of this.#open.keys()) watch.destroy();
  }

  #openOne(now: number): void {
    this.opened++;
    const kind = this.#random.of(['reads', 'reads', 'reads-nothing', 'abandons']);
    const watch = request({ host: '127.0.0.1', port: this.#port, path: this.#random.of(watchPaths), agent: false });
    const lastsMs = kind === 'abandons' ? this.#random.below(20) : 500 + this.#random.below(15_000);
    this.#open.set(watch, now + lastsMs);
    watch.on('error', () => {}); // destroyed before the answer
    watch.on('close', () => this.#open.delete(watch));
    watch.on('response', (response) => {
      response.on('error', () => {}); // destroyed
      if (kind !== 'reads-nothing') response.on('data', () => this.events++);
    });
    watch.end();
  }
}
