import type { Command } from './command.ts';
import { loadServeConfig, type ServeConfig, serveFlags } from './config.ts';
import { flagHelp, parseFlags } from './flags.ts';
import { readVersion } from './version.ts';

const help = `usage: binnacle serve [flags]

Serves sidecars over xDS, and rules, registration and debug views over HTTP.

${flagHelp(serveFlags)}

Every flag has an environment variable (--data-dir: BINNACLE_DATA_DIR) and, but for --mesh-dir, a key in binnacle.yaml.
A flag wins over the environment, the environment over the file.
`;

/** `binnacle serve`. `serve` runs until the process is told to stop; it is given so that this room knows no other. */
export const serveCommand = (serve: (config: ServeConfig) => Promise<void>): Command => ({
  name: 'serve',
  summary: 'run the control plane',
  help,
  async run(argv, { env, print }) {
    if (parseFlags(argv, serveFlags).version !== undefined) print(`${await readVersion()}\n`);
    else await serve(await loadServeConfig(argv, env));
  },
});
