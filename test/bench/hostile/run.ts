import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { cpuSeconds, cpuSecondsWhenQuiet, residentBytes, watchMemory } from '../process-figures.ts';
import { type Attack, connectTo } from './attacks.ts';

export interface HostileFigures {
  /** The longest time that another client waited for an answer, during the attack and in the seconds after. */
  readonly othersWaitedMs: number;
  /** CPU time of the attack. */
  readonly cpuMs: number;
  /** Peak memory above the level before, and memory kept after the client disconnected. */
  readonly peakBytes: number;
  readonly keptBytes: number;
}

/** Duration of the attack. */
const staysMs = 5_000;

/** Runs one hostile client, and another that makes small requests all the time. */
export async function runHostile(
  server: { readonly pid: number; readonly xdsPort: number },
  ask: () => Promise<void>,
  attack: Attack,
): Promise<HostileFigures> {
  await cpuSecondsWhenQuiet(server.pid);
  const [memoryBefore, cpuBefore] = [residentBytes(server.pid), cpuSeconds(server.pid)];
  const memory = watchMemory(server.pid);
  const leaving = new AbortController();
  const waited = longestWait(ask, leaving.signal);
  const session = connectTo(server.xdsPort);
  await once(session, 'connect');
  attack.begin(session);
  await delay(staysMs);
  session.destroy();
  await cpuSecondsWhenQuiet(server.pid, 20_000);
  leaving.abort();
  const othersWaitedMs = await waited;
  return {
    othersWaitedMs,
    cpuMs: (cpuSeconds(server.pid) - cpuBefore) * 1_000,
    peakBytes: memory() - memoryBefore,
    keptBytes: residentBytes(server.pid) - memoryBefore,
  };
}

async function longestWait(ask: () => Promise<void>, signal: AbortSignal): Promise<number> {
  let longest = 0;
  while (!signal.aborted) {
    const askedAt = performance.now();
    await ask();
    longest = Math.max(longest, performance.now() - askedAt);
    await delay(10);
  }
  return longest;
}
