import { spawnSync } from 'node:child_process';

/**
 * Runs a program whose files are limited to eight blocks of 512 bytes, and returns its output, or its errors if there
 * is none. This imitates a disk that fills up during a write, with EFBIG in place of ENOSPC. `argument` is its
 * `process.argv[1]`.
 */
export function runWithSmallFiles(program: string, argument: string): string {
  const words = [process.execPath, '--input-type=module', '-e', program, argument];
  const { stdout, stderr } = spawnSync('sh', ['-c', 'ulimit -f 8; exec "$@"', 'sh', ...words], { encoding: 'utf8' });
  return stdout === '' ? stderr : stdout;
}
