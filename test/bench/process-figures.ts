import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** The unit of /proc/<pid>/stat: USER_HZ, which Linux presents as 100 for every kernel. */
const ticksPerSecond = 100;

export interface CpuTime {
  /** Seconds of all threads together. */
  readonly user: number;
  readonly kernel: number;
}

/** Returns the CPU time of a process so far (proc_pid_stat(5)). */
export function cpuTime(pid: number): CpuTime {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // the name in parentheses may contain spaces: the numbered fields follow it, from field 3
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { user: Number(fields[11]) / ticksPerSecond, kernel: Number(fields[12]) / ticksPerSecond };
}

export function cpuSeconds(pid: number): number {
  const { user, kernel } = cpuTime(pid);
  return user + kernel;
}

/**
 * Returns the milliseconds that a process's main thread was runnable and waited for a processor. Null if the kernel
 * does not count them.
 */
export function waitedMs(pid: number): number | null {
  try {
    const [, waitedNs] = readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ');
    return waitedNs === undefined ? null : Number(waitedNs) / 1e6;
  } catch {
    return null; // a kernel without scheduler statistics
  }
}

/** The peak memory of a process (VmHWM), in bytes. */
export const peakBytes = (pid: number): number => statusBytes(pid, 'VmHWM');

/** The current memory of a process (VmRSS), in bytes. */
export const residentBytes = (pid: number): number => statusBytes(pid, 'VmRSS');

function statusBytes(pid: number, name: string): number {
  const line = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1] ?? Number.NaN) * 1024;
}

/** Samples a process's memory until the returned function is called. That returns the maximum in bytes. */
export function watchMemory(pid: number, everyMs = 50): () => number {
  let most = residentBytes(pid);
  const look = () => {
    most = Math.max(most, residentBytes(pid));
  };
  const timer = setInterval(look, everyMs);
  return () => {
    clearInterval(timer);
    look();
    return most;
  };
}

/**
 * Resolves with the CPU seconds once a process is almost idle: the work that follows a change (acknowledgements,
 * garbage collection) counts for the change. Stops waiting after `timeoutMs`.
 */
export async function cpuSecondsWhenQuiet(pid: number, timeoutMs = 15_000): Promise<number> {
  const deadline = performance.now() + timeoutMs;
  let before = cpuSeconds(pid);
  while (performance.now() < deadline) {
    await delay(300);
    const now = cpuSeconds(pid);
    if (now - before <= 1 / ticksPerSecond) return now;
    before = now;
  }
  return before;
}
