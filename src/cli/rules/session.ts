import { isLoopback } from '../../lib/ip.ts';
import type { CommandContext } from '../command.ts';
import type { FlagValues } from '../flags.ts';
import { type ApiClient, createClient } from './client.ts';
import { readSettings, type Settings } from './settings.ts';

/** Server of a command, with its kinds and settings. */
export interface Session {
  readonly client: ApiClient;
  readonly settings: Settings;
}

/** Connects to the server that flags, environment or contexts file name. Its warnings go to standard error. */
export async function openSession(values: FlagValues, { env, printError }: CommandContext): Promise<Session> {
  const settings = await readSettings(values, env);
  const { protocol, hostname } = new URL(settings.server);
  if (settings.credentials.token !== null && protocol === 'http:' && !isLoopback(hostname.replace(/^\[|\]$/g, ''))) {
    printError(`Warning: the token goes to ${settings.server} unencrypted: use https`);
  }
  const client = createClient({ ...settings, warn: (message) => printError(`Warning: ${message}`) });
  return { client, settings };
}
