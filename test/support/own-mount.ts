import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Returns words to put before a command, so that it sees another file system at `directory`. Other processes do not see
 * it, and it disappears when the command ends. Null on a machine that does not permit it.
 */
export type Mount = (directory: string) => readonly string[] | null;

/** Mounts the directory itself, read-only. */
export const readOnlyMount: Mount = (directory) =>
  mounted('mount --bind "$0" "$0" && mount -o remount,bind,ro "$0"', directory);

/** Mounts an empty file system of one mebibyte. */
export const smallDisk: Mount = (directory) => mounted('mount -t tmpfs -o size=1m binnacle "$0"', directory);

function mounted(mount: string, directory: string): readonly string[] | null {
  const words = (at: string) => ['unshare', '--map-root-user', '--mount', 'sh', '-c', `${mount} && exec "$@"`, at];
  const trial = mkdtempSync(join(tmpdir(), 'binnacle-mount-'));
  const [command = '', ...args] = words(trial);
  const { status } = spawnSync(command, [...args, 'true'], { stdio: 'ignore' });
  rmdirSync(trial);
  return status === 0 ? words(directory) : null;
}
