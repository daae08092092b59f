import { spawnSync } from 'node:child_process';

/**
 * What a program prints whose files may have eight blocks of 512 bytes each: a disk that is full in the middle of a write,
 * with EFBIG in place of ENOSPC. A program that prints nothing gives its errors. `argument` is its `process.argv[1]`.
 */
export function runWithSmallFiles(program: string, argument: string): string {
  const words = [process.execPath, '--input-type=module', '-e', program, argument];
  const { stdout, stderr } = spawnSync('sh', ['-c', 'ulimit -f 8; exec "$@"', 'sh', ...words], { encoding: 'utf8' });
  return stdout === '' ? stderr : stdout;
}
