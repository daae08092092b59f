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
