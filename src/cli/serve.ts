import { loadServeConfig, type ServeConfig } from '../serve/config.ts';
import { logLevels } from '../serve/config-schema.ts';
import { readVersion } from '../serve/version.ts';
import type { Command } from './command.ts';
import { type Flag, flagHelp, parseFlags } from './flags.ts';

/** Every flag of `binnacle serve`. Its environment variable is BINNACLE_ and the name in capitals. */
export const serveFlags: readonly Flag[] = [
  { name: 'config', value: 'FILE', about: 'a binnacle.yaml' },
  { name: 'http', value: 'ADDR', about: 'rules, registration, debug views, metrics (127.0.0.1:8080)' },
  { name: 'access-file', value: 'FILE', about: 'who may do what over HTTP: tokens, certificates and their roles' },
  { name: 'insecure', value: null, about: 'HTTP for anybody who reaches it, also from other machines' },
  { name: 'xds', value: 'ADDR', about: 'xDS without TLS (127.0.0.1:15010)' },
  { name: 'xds-tls', value: 'ADDR', about: 'xDS with TLS: the address; certificates are in xds.tls of binnacle.yaml' },
  { name: 'data-dir', value: 'DIR', about: 'the rules database and shard snapshots (.binnacle)' },
  { name: 'mesh-dir', value: 'DIR', about: 'YAML files of rules and services, watched' },
  { name: 'log-level', value: 'LEVEL', about: `${logLevels.join(', ')} (info)` },
  { name: 'help', value: null, about: 'this text' },
  { name: 'version', value: null, about: 'the version' },
];

const help = `usage: binnacle serve [flags]

Serves sidecars over xDS, and rules, registration and debug views over HTTP.

${flagHelp(serveFlags)}

Every flag has an environment variable (--data-dir: BINNACLE_DATA_DIR) and, but for --mesh-dir, a key in binnacle.yaml.
A flag wins over the environment, the environment over the file.
`;

/** Creates `binnacle serve`. `serve` runs until the process is stopped; it is a parameter for tests. */
export const serveCommand = (serve: (config: ServeConfig) => Promise<void>): Command => ({
  name: 'serve',
  summary: 'run the control plane',
  help,
  async run(argv, { env, print }) {
    const given = parseFlags(argv, serveFlags);
    if (given.version !== undefined) print(`${await readVersion()}\n`);
    else await serve(await loadServeConfig(given, env));
  },
});
