import { spawnSync } from 'node:child_process';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { smallDisk } from './own-mount.ts';

/** A disk that can be filled to its last byte, and emptied again, while a program uses it. */
export interface Disk {
  /** Words to put before the program. */
  readonly through: readonly string[];
  fill(pid: number): Promise<void>;
  makeRoom(pid: number): Promise<void>;
}

/**
 * The disk under `directory`: a small one in memory, or, on a machine that does not permit that, the real one with a
 * limit on the size of the program's files, which fails writes with EFBIG in place of ENOSPC.
 */
export function fillableDisk(directory: string): Disk {
  const through = smallDisk(directory);
  if (through === null) return limitedFiles;
  // The mount is the program's own: from outside it is reached through its root directory.
  const filler = (pid: number) => join(`/proc/${pid}/root`, directory, 'filler');
  return {
    through,
    fill: (pid) => writeUntilFull(filler(pid)),
    makeRoom: (pid) => rm(filler(pid)),
  };
}

const limitedFiles: Disk = {
  through: [],
  fill: async (pid) => limitFiles(pid, '0:'),
  makeRoom: async (pid) => limitFiles(pid, 'unlimited:'),
};

function limitFiles(pid: number, bytes: string): void {
  const { status, stderr } = spawnSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}`], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`prlimit failed: ${stderr}`);
}

async function writeUntilFull(path: string): Promise<void> {
  const file = await open(path, 'w');
  const page = Buffer.alloc(4_096);
  try {
    for (;;) await file.write(page);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  } finally {
    await file.close();
  }
}
