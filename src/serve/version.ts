import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Reads the version from the package's own package.json, in whatever folder this file was built. */
export async function readVersion(): Promise<string> {
  for (let directory = import.meta.dirname; directory !== dirname(directory); directory = dirname(directory)) {
    const text = await readFile(join(directory, 'package.json'), 'utf8').catch(() => null); // not in this directory
    if (text !== null) return String(JSON.parse(text).version);
  }
  return 'unknown';
}
