import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** The unit of /proc/<pid>/stat: USER_HZ, which Linux keeps at 100 for programs whatever the kernel uses. */
const ticksPerSecond = 100;

/** User and system time that a process has used, all its threads together, in seconds (proc_pid_stat(5)). */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // the name in parentheses may hold spaces: the numbered fields start behind it, with field 3
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** The most memory that a process has ever held (VmHWM), in bytes. */
export function peakBytes(pid: number): number {
  const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1] ?? 0) * 1024;
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
