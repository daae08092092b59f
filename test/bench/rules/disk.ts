import { closeSync, fdatasyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';

const appendBytes = 4_096;

/** Returns how many appends of 4 KB per second, each with fdatasync, a folder's disk completes. */
export function appendsPerSecond(folder: string, forMs = 1_500): number {
  const file = join(folder, 'appends.tmp');
  const handle = openSync(file, 'w');
  try {
    const page = Buffer.alloc(appendBytes, 'x');
    const startedAt = performance.now();
    let appends = 0;
    while (performance.now() - startedAt < forMs) {
      writeSync(handle, page);
      fdatasyncSync(handle);
      appends++;
    }
    return (appends * 1e3) / (performance.now() - startedAt);
  } finally {
    closeSync(handle);
    rmSync(file);
  }
}

/** Returns the type of a folder's file system, such as `ext4`. */
export async function fileSystemOf(folder: string): Promise<string> {
  return fileSystemIn(readFileSync('/proc/self/mountinfo', 'utf8'), await realpath(folder));
}

/** Finds the mount of a path (proc_pid_mountinfo(5)): the longest one, and the last of these. */
export function fileSystemIn(mountinfo: string, path: string): string {
  let [type, length] = ['unknown', -1];
  for (const line of mountinfo.split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const point = left.split(' ')[4] ?? '';
    const isAbove = point !== '' && (point === '/' || path === point || path.startsWith(`${point}/`));
    if (isAbove && point.length >= length) [type, length] = [right.split(' ')[0] ?? 'unknown', point.length];
  }
  return type;
}
