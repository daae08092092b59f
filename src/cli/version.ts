import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Command } from './command.ts';

/** Reads the version from this package's package.json, in the nearest parent directory that has one. */
export async function readVersion(): Promise<string> {
  for (let directory = import.meta.dirname; directory !== dirname(directory); directory = dirname(directory)) {
    const text = await readFile(join(directory, 'package.json'), 'utf8').catch(() => null); // not in this directory
    if (text !== null) return String(JSON.parse(text).version);
  }
  return 'unknown';
}

export const versionCommand: Command = {
  name: 'version',
  summary: 'print the version',
  help: 'usage: binnacle version\n',
  async run(_argv, { print }) {
    print(`${await readVersion()}\n`);
  },
};
