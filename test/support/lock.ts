import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isRunning } from './processes.ts';

/**
 * Tries to create a folder as a lock between processes, and returns whether it did. Removes a lock whose owner has
 * ended, so that the next try succeeds.
 */
export async function takeLock(lock: string): Promise<boolean> {
  try {
    await mkdir(lock);
    await writeFile(join(lock, 'pid'), String(process.pid));
    return true;
  } catch {
    const owner = Number(await readFile(join(lock, 'pid'), 'utf8').catch(() => 'unknown'));
    if (Number.isInteger(owner) && owner > 0 && !isRunning(owner)) await releaseLock(lock);
    return false;
  }
}

export const releaseLock = (lock: string): Promise<void> => rm(lock, { recursive: true, force: true });
