import type { WorldChange } from '../compile/contract.ts';
import type { Clock } from '../lib/clock.ts';
import { type Debounce, debounce } from '../lib/debounce.ts';
import type { Logger } from '../lib/logger.ts';
import type { Urgency } from '../registry/contract.ts';

export interface FlushScheduleOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Milliseconds; see `push` in binnacle.yaml. */
  readonly timing: { readonly endpointQuietMs: number; readonly quietMs: number; readonly maxMs: number };
  /** Runs a flush. Resolves when its result is in the tables. */
  readonly run: (urgency: Urgency) => Promise<void>;
  /** Takes the changes that wait to be compiled. */
  readonly take: (urgency: Urgency) => readonly WorldChange[];
  /** Whether the responses of the last flush are still being handed to sockets, and no client waits for another flush. */
  readonly isSending: () => boolean;
}

/** Decides when flushes run: debounces changes, delays configuration while responses are sent, and retries failures. */
export class FlushSchedule {
  readonly #options: FlushScheduleOptions;
  readonly #debounce: Debounce;
  readonly #endpointDebounce: Debounce;
  /** Time of the first waiting change; null: none waits. */
  readonly #waitsSinceMs: Record<Urgency, number | null> = { endpoints: null, configuration: null };
  #takenSinceMs: number | null = null;
  /** Flush whose failure is already handled. */
  #watched: Promise<void> | null = null;
  #hasFailed = false;

  constructor(options: FlushScheduleOptions) {
    this.#options = options;
    const { clock, timing } = options;
    const { endpointQuietMs, quietMs, maxMs } = timing;
    this.#debounce = debounce(() => this.#flushOnceSent(), { clock, quietMs, maxMs });
    const urgent = { clock, quietMs: endpointQuietMs, maxMs: endpointQuietMs };
    this.#endpointDebounce = debounce(() => this.#flushSoon('endpoints'), urgent);
  }

  /** Time of the first change that is taken and not published; null: none. */
  get takenSinceMs(): number | null {
    return this.#takenSinceMs;
  }

  /** Schedules a flush. Endpoints are flushed at once and alone; configuration waits for changes that may belong to it. */
  changed(urgency: Urgency): void {
    this.#waitsSinceMs[urgency] ??= this.#options.clock.now();
    if (urgency === 'configuration') this.#debounce.touch();
    else this.#endpointDebounce.touch();
  }

  /**
   * Has new layers compiled. First configurations skip the debounce unless a change of configuration waits: then they are
   * compiled with it, `quietMs` later at most, because they would lack part of it. Resolves when they may be compiled.
   */
  compileLayers(): Promise<void> | null {
    const { clock, timing } = this.#options;
    if (this.#waitsSinceMs.configuration === null) {
      this.#flushSoon('endpoints');
      return this.#watched;
    }
    this.#debounce.hurry(timing.quietMs);
    return new Promise((resolve) => clock.after(timing.quietMs, resolve));
  }

  /** Takes the waiting changes for a flush that begins. */
  take(urgency: Urgency): readonly WorldChange[] {
    const waits = this.#waitsSinceMs;
    for (const taken of urgency === 'endpoints'
      ? (['endpoints'] as const)
      : (['endpoints', 'configuration'] as const)) {
      const sinceMs = waits[taken];
      if (sinceMs !== null) this.#takenSinceMs = Math.min(this.#takenSinceMs ?? sinceMs, sinceMs);
      waits[taken] = null;
    }
    this.#endpointDebounce.cancel();
    return this.#options.take(urgency);
  }

  /** Notes that the taken changes are in the tables. */
  published(): void {
    this.#takenSinceMs = null;
  }

  /** Repeats a failed flush: its changes are still dirty. */
  retry(): void {
    if (this.#hasFailed) this.#flushSoon('endpoints');
  }

  stop(): void {
    this.#debounce.cancel();
    this.#endpointDebounce.cancel();
  }

  /**
   * Delays configuration while the last flush is handed to sockets, `maxMs` at most: most of that would be sent again. Clients
   * that do not read delay nothing, and clients without a configuration are not delayed.
   */
  #flushOnceSent(): void {
    const { clock, timing, isSending } = this.#options;
    const waitedMs = clock.now() - (this.#waitsSinceMs.configuration ?? clock.now());
    if (!isSending() || waitedMs >= timing.maxMs) this.#flushSoon('configuration');
    else this.#debounce.hurry(Math.min(Math.max(1, timing.quietMs), timing.maxMs - waitedMs));
  }

  #flushSoon(urgency: Urgency): void {
    const running = this.#options.run(urgency);
    if (running === this.#watched) return;
    this.#watched = running;
    this.#hasFailed = false;
    running.catch((error: unknown) => {
      this.#hasFailed = true;
      this.#options.log.error({ err: error }, 'flush failed');
    });
  }
}
