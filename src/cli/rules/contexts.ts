import { readFile, realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { didYouMean } from '../../lib/nearest.ts';
import { usageError } from '../failure.ts';
import { isMap } from './answer.ts';
import type { ContextCredentials } from './credentials.ts';

/** Named server with the settings to use it. */
export interface Context extends ContextCredentials {
  readonly name: string;
  readonly server: string;
  /** Default namespace of commands; null for `default`. */
  readonly namespace: string | null;
  /** Author of changes; null for `user@host`. */
  readonly author: string | null;
}

/**
 * Content of the contexts file: `contexts: [{name, server, namespace?, author?, token?, tokenFile?, caFile?, certFile?,
 * keyFile?}]` and `current-context`.
 */
export interface Contexts {
  readonly path: string;
  /** Text of the file; null if it does not exist. */
  readonly text: string | null;
  readonly contexts: readonly Context[];
  /** Name of the current context, which may not exist; null if none is set. */
  readonly current: string | null;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Returns the path of the contexts file: `$BINNACLE_CONTEXTS`, or `binnacle/contexts.yaml` in the user's configuration
 * directory.
 */
export function contextsPath(env: Environment): string {
  if (env.BINNACLE_CONTEXTS) return env.BINNACLE_CONTEXTS;
  const configuration = env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config');
  return join(configuration, 'binnacle', 'contexts.yaml');
}

/** Reads the contexts file; a missing file has no contexts. Rejects with CONFIG_INVALID that names file and key. */
export async function readContexts(env: Environment): Promise<Contexts> {
  const path = contextsPath(env);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw usageError(`the contexts file ${path} cannot be read: ${error.message}`);
  });
  if (text === null) return { path, text, contexts: [], current: null };
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined)
    throw usageError(`${path} is not YAML: ${error.message.split('\n', 1)[0]?.replace(/:$/, '')}`);
  const content: unknown = document.toJS() ?? {};
  if (!isMap(content)) throw usageError(`${path} must be a map with "contexts" and "current-context"`);
  const list = content.contexts ?? [];
  if (!Array.isArray(list)) throw usageError(`${path}: contexts must be a list of {name, server}`);
  const contexts = list.map((entry, index) => readContext(entry, `${path}: contexts[${index}]`));
  return { path, text, contexts, current: optionalText(content, 'current-context', path) };
}

/** Returns the context of a name. Throws CONFIG_INVALID that lists the existing ones. */
export function findContext({ contexts, path }: Contexts, name: string): Context {
  const found = contexts.find((one) => one.name === name);
  if (found !== undefined) return found;
  const names = contexts.map((one) => one.name);
  const there = names.length === 0 ? `${path} has none: make one with "binnacle context set"` : names.join(', ');
  throw usageError(`there is no context "${name}"${didYouMean(name, names) || `; there are: ${there}`}`);
}

/** Resolves a symbolic link, because renaming a file onto the path would replace the link. */
export const fileBehind = (path: string): Promise<string> => realpath(path).catch(() => path);

function readContext(entry: unknown, where: string): Context {
  if (!isMap(entry)) throw usageError(`${where} must be a map with name and server`);
  const name = optionalText(entry, 'name', where);
  const server = optionalText(entry, 'server', where);
  if (name === null || server === null) throw usageError(`${where} needs ${name === null ? 'a name' : 'a server'}`);
  return {
    name,
    server,
    namespace: optionalText(entry, 'namespace', where),
    author: optionalText(entry, 'author', where),
    token: optionalText(entry, 'token', where),
    tokenFile: optionalText(entry, 'tokenFile', where),
    caFile: optionalText(entry, 'caFile', where),
    certFile: optionalText(entry, 'certFile', where),
    keyFile: optionalText(entry, 'keyFile', where),
  };
}

function optionalText(map: Record<string, unknown>, key: string, where: string): string | null {
  const value = map[key];
  if (value === undefined || value === null || value === '') return null;
  if (typeof value === 'string') return value;
  throw usageError(`${where}: ${key} must be a text`);
}
