import { readdir, readFile } from 'node:fs/promises';

/** Returns the ids of processes with `text` among their arguments. Linux only. */
export async function processesWith(text: string): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''); // the process has ended meanwhile
      return words.includes(text) ? [Number(pid)] : [];
    }),
  );
  return found.flat();
}

/** Returns the state of a process. Linux only. */
export async function stateOf(pid: number): Promise<'running' | 'stopped'> {
  const [, letter] = /^\d+ \(.*\) (\S)/s.exec(await readFile(`/proc/${pid}/stat`, 'utf8')) ?? [];
  return letter === 'T' ? 'stopped' : 'running';
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
