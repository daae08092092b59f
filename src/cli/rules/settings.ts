import { hostname, userInfo } from 'node:os';
import { usageError } from '../failure.ts';
import { type FlagValues, flagText } from '../flags.ts';
import { type Context, contextsPath, findContext, readContexts } from './contexts.ts';
import { type Credentials, readCredentials } from './credentials.ts';

/** Server and identity of a command. */
export interface Settings {
  /** URL without a trailing slash. */
  readonly server: string;
  /** Source of the server's URL, for error messages: `--server`, `BINNACLE_SERVER`, `context prod`, `default`. */
  readonly from: string;
  readonly namespace: string;
  readonly author: string;
  readonly credentials: Credentials;
  readonly timeoutMs: number;
}

const defaultServer = 'http://127.0.0.1:8080';

/**
 * Selects the server: `--server`, else `--context`, else BINNACLE_SERVER, else the current context, else this machine.
 * Namespace, author and credentials of a context apply only to its own server, unless `--context` is given.
 */
export async function readSettings(
  values: FlagValues,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Settings> {
  const timeoutMs = readTimeout(values);
  const context = await chosenContext(values, env);
  const given: readonly (readonly [from: string, server: string | null])[] = [
    ['--server', flagText(values, 'server')],
    [`context ${context?.name}`, flagText(values, 'context') === null ? null : (context?.server ?? null)],
    ['BINNACLE_SERVER', env.BINNACLE_SERVER || null],
    [`context ${context?.name}`, context?.server ?? null],
  ];
  const [from, server] = given.find((one) => one[1] !== null) ?? ['default', null];
  return {
    server: serverUrl(server ?? defaultServer, from),
    from,
    namespace: flagText(values, 'namespace') ?? context?.namespace ?? 'default',
    author: context?.author ?? userAtHost(env),
    credentials: await readCredentials({ values, env, context, contextsPath: contextsPath(env) }),
    timeoutMs,
  };
}

/** Normalizes a server's URL; `host:port` means `http://host:port`. Throws CONFIG_INVALID that names `from`. */
export function serverUrl(text: string, from: string): string {
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(whole) ? new URL(whole) : null;
  const right = url !== null && (url.protocol === 'http:' || url.protocol === 'https:') && url.hostname !== '';
  if (!right || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw usageError(`${from} must be a URL such as ${defaultServer}, not "${text}"`);
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

/** Rejects characters that an HTTP header cannot contain. */
export function checkAuthor(author: string, from: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the expression finds control characters
  if (author.length <= 200 && !/[\x00-\x1f\x7f]/.test(author)) return author;
  throw usageError(`${from} must be one line of at most 200 characters`);
}

async function chosenContext(
  values: FlagValues,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Context | null> {
  const named = flagText(values, 'context');
  if (named === null && (flagText(values, 'server') !== null || env.BINNACLE_SERVER)) return null;
  const contexts = await readContexts(env);
  const name = named ?? contexts.current;
  if (name === null) return null;
  const context = findContext(contexts, name);
  if (context.author !== null) checkAuthor(context.author, `${contexts.path}: the author of "${name}"`);
  return context;
}

function readTimeout(values: FlagValues): number {
  const given = flagText(values, 'timeout') ?? '30';
  const seconds = /^\d{1,5}(\.\d+)?s?$/.test(given) ? Number.parseFloat(given) : 0;
  if (seconds > 0) return seconds * 1000;
  throw usageError(`--timeout must be a number of seconds above 0, not "${given}"`);
}

function userAtHost(env: Readonly<Record<string, string | undefined>>): string {
  const name = () => {
    try {
      return userInfo().username;
    } catch {
      return env.USER ?? 'unknown'; // a user id without an entry in the system's list, as in containers
    }
  };
  return `${name()}@${hostname()}`;
}
