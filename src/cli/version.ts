import { readVersion } from '../serve/version.ts';
import type { Command } from './command.ts';

export const versionCommand: Command = {
  name: 'version',
  summary: 'print the version',
  help: 'usage: binnacle version\n',
  async run(_argv, { print }) {
    print(`${await readVersion()}\n`);
  },
};
