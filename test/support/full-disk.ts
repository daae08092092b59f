import { spawnSync } from 'node:child_process';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { smallDisk } from './own-mount.ts';

/** A disk that a test can fill to its last byte and empty again while a program uses it. */
export interface Disk {
  /** Words to put before the program. */
  readonly through: readonly string[];
  fill(pid: number): Promise<void>;
  makeRoom(pid: number): Promise<void>;
}

/**
 * Creates the disk at `directory`: a small one in memory. If the machine does not permit that, limits the size of the
 * program's files on the real disk; writes then fail with EFBIG in place of ENOSPC.
 */
export function fillableDisk(directory: string): Disk {
  const through = smallDisk(directory);
  if (through === null) return limitedFiles;
  // The mount is visible only to the program. Other processes reach it through the program's root directory.
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
