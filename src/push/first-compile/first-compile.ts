import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Proxy } from '../../model/proxy.ts';
import type { Coordinator } from '../coordinator.ts';

/** Compiles before the first clients connect, such as after a restart. */
export interface FirstCompile {
  /**
   * Returns the names of parts that delay readiness: those of the registry, then the first compile. Proxies that
   * connect meanwhile are accepted and wait for their compile.
   */
  awaited(): readonly string[];
  /** Begins once the registry is ready. Ends early with `signal`. */
  start(signal: AbortSignal): void;
}

export interface FirstCompileOptions {
  readonly coordinator: Pick<Coordinator, 'readOnce'>;
  /** Returns the names of parts that have not synced yet. */
  readonly registryAwaits: () => readonly string[];
  /** Proxies whose scopes are compiled, in this order. The next one is requested when the previous one is compiled. */
  readonly proxies: () => Iterable<Proxy>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Monotonic time in milliseconds. */
  readonly elapsed: () => number;
}

const name = 'first compile';
/** Polling interval: the registry's readiness has no event. */
const pollMs = 20;
/** Time after which no further scope is begun: readiness soon is worth more than all scopes. */
const beginWithinMs = 500;
/**
 * Time limit for readiness. In a mesh that takes longer, the first clients wait for the rest. It is long because a
 * restarting machine is busy: with a tenth of a processor, half a second of work takes five.
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
      log.warn({ err: error }, 'first compile failed'); // clients get the error when they connect
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
