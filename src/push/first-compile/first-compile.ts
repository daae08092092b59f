import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Proxy } from '../../model/proxy.ts';
import type { Coordinator } from '../coordinator.ts';

/** Compiles before the first client comes, so that it, and everybody who comes with it after a restart, finds it done. */
export interface FirstCompile {
  /**
   * The names of what is awaited before the process says that it is ready: those of the registry, then the first compile. Proxies
   * that come meanwhile are not refused: they wait for their compile, as always.
   */
  awaited(): readonly string[];
  /** Begins as soon as the registry awaits nothing. Ends early with `signal`. */
  start(signal: AbortSignal): void;
}

export interface FirstCompileOptions {
  readonly coordinator: Pick<Coordinator, 'readOnce'>;
  /** The names of what must have synced first. */
  readonly registryAwaits: () => readonly string[];
  /** For whom to compile, in this order; the next one is asked for when the one before is compiled. */
  readonly proxies: () => Iterable<Proxy>;
  readonly clock: Clock;
  readonly log: Logger;
  /** A monotonic time in milliseconds. */
  readonly elapsed: () => number;
}

const name = 'first compile';
/** The registry's readiness has no event. */
const pollMs = 20;
/** No further scope is begun after this time: some scopes done and a soon ready server are worth more than all of them. */
const beginWithinMs = 500;
/**
 * Ready anyway: in a mesh that takes longer, the first clients wait for the rest of it. Long, as a machine that restarts has others to
 * serve: with a tenth of a processor half a second of work takes five.
 */
const maxMs = 10_000;

export function createFirstCompile(options: FirstCompileOptions): FirstCompile {
  const { coordinator, registryAwaits, proxies, clock, log, elapsed } = options;
  let isDone = false;

  async function compile(signal: AbortSignal): Promise<void> {
    const startedAt = elapsed();
    let scopes = 0;
    const cancel = clock.after(maxMs, () => {
      isDone = true;
    });
    try {
      for (const proxy of proxies()) {
        if (signal.aborted || isDone || (scopes > 0 && elapsed() - startedAt > beginWithinMs)) break;
        await coordinator.readOnce(proxy, name, () => {});
        scopes++;
      }
    } catch (error) {
      log.warn({ err: error }, 'first compile failed'); // whoever connects will see for whom
    }
    cancel();
    isDone = true;
    log.info({ proxies: scopes, ms: Math.round(elapsed() - startedAt) }, 'first compile done');
  }

  return {
    awaited() {
      const names = registryAwaits();
      return names.length > 0 || isDone ? names : [name];
    },
    start(signal) {
      const poll = () => {
        if (signal.aborted) return;
        if (registryAwaits().length === 0) void compile(signal);
        else clock.after(pollMs, poll);
      };
      poll();
    },
  };
}
