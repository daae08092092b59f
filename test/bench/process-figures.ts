import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** The unit of /proc/<pid>/stat: USER_HZ, which Linux keeps at 100 for programs whatever the kernel uses. */
const ticksPerSecond = 100;

export interface CpuTime {
  /** In seconds, all threads together. */
  readonly user: number;
  readonly kernel: number;
}

/** What a process has used so far (proc_pid_stat(5)). */
export function cpuTime(pid: number): CpuTime {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // the name in parentheses may hold spaces: the numbered fields start behind it, with field 3
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { user: Number(fields[11]) / ticksPerSecond, kernel: Number(fields[12]) / ticksPerSecond };
}

export function cpuSeconds(pid: number): number {
  const { user, kernel } = cpuTime(pid);
  return user + kernel;
}

/**
 * How long a process's main thread has waited for a processor while it could have run, in milliseconds: what others on the machine
 * took from it. Null where the kernel does not count it.
 */
export function waitedMs(pid: number): number | null {
  try {
    const [, waitedNs] = readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ');
    return waitedNs === undefined ? null : Number(waitedNs) / 1e6;
  } catch {
    return null; // a kernel without scheduler statistics
  }
}

/** The most memory that a process has ever held (VmHWM), in bytes. */
export const peakBytes = (pid: number): number => statusBytes(pid, 'VmHWM');

/** The memory that a process holds now (VmRSS), in bytes. */
export const residentBytes = (pid: number): number => statusBytes(pid, 'VmRSS');

function statusBytes(pid: number, name: string): number {
  const line = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1] ?? Number.NaN) * 1024;
}

/** Watches a process's memory until it is told to stop. Answers with the most that it saw, in bytes. */
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
 * Resolves with the CPU seconds used once a process does next to nothing: what a change set off (acknowledgements,
 * garbage collection) belongs to the change. Gives up waiting after `timeoutMs`.
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
