import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { backoffMs } from '../../src/lib/backoff.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { sleep } from '../../src/lib/sleep.ts';
import { type RequestTls, sendHttp } from './http.ts';
import type { NacosServer } from './servers.ts';

export interface LoginOptions {
  readonly username: string;
  /** File with the password; read again for each login, so that it may be rotated. */
  readonly passwordFile: string;
  readonly contextPath: string;
  /** Reads the files of TLS for each login at a URL of `https`. */
  readonly tls: () => Promise<RequestTls>;
  readonly clock: Clock;
}

/** Access token of one user, renewed before it expires. */
export interface Login {
  /** Headers of requests. Empty before the first login. */
  headers(): Readonly<Record<string, string>>;
  /** Logs in unless a token is valid for a while. Rejects with the reason. */
  ensure(server: NacosServer, signal: AbortSignal): Promise<void>;
  /** Discards the token, because a server refused it. */
  refused(): void;
}

const requestMs = 5_000;
/** Paths of 3.x and of 2.x. */
const paths = ['/v3/auth/user/login', '/v1/auth/login'];
/** Part of a token's life after which it is renewed. */
const renewAfter = 0.8;

/** Interval of checks whether the token has to be renewed. */
const renewalCheckMs = 5_000;

const answer = z.object({ accessToken: z.string().min(1), tokenTtl: z.number().positive() });

/** Login that sends nothing, for servers without authentication. */
export const noLogin: Login = { headers: () => ({}), ensure: async () => {}, refused: () => {} };

export function createLogin({ username, passwordFile, contextPath, tls, clock }: LoginOptions): Login {
  let token: string | null = null;
  let renewAtMs = 0;
  let running: Promise<void> | null = null;

  async function login(server: NacosServer, signal: AbortSignal): Promise<void> {
    const password = (await readFile(passwordFile, 'utf8')).replace(/\r?\n$/, '');
    let refusal = '';
    for (const path of paths) {
      const { status, text } = await sendHttp(`${server.url}${contextPath}${path}`, {
        method: 'POST',
        form: new URLSearchParams({ username, password }),
        tls: await tls(),
        signal: AbortSignal.any([signal, AbortSignal.timeout(requestMs)]),
      });
      const read = status === 200 ? answer.safeParse(parseJson(text)) : null;
      if (read?.success === true) {
        token = read.data.accessToken;
        renewAtMs = clock.now() + read.data.tokenTtl * 1_000 * renewAfter;
        return;
      }
      refusal = `${status} ${text.slice(0, 200)}`;
      if (status !== 404 && status !== 410) break; // this path is served: the other one is older
    }
    throw new Error(`the login of ${username} was refused (${refusal})`);
  }

  return {
    headers: () => (token === null ? {} : { accessToken: token }),
    async ensure(server, signal) {
      if (token !== null && clock.now() < renewAtMs) return;
      running ??= login(server, signal).finally(() => {
        running = null;
      });
      await running;
    },
    refused() {
      token = null;
    },
  };
}

/** Renews the token until `signal` aborts. Calls `failed` with the reason of each failure, and with null afterwards. */
export async function keepLoggedIn(
  login: Login,
  { server, clock, failed }: { server: () => NacosServer; clock: Clock; failed: (reason: string | null) => void },
  signal: AbortSignal,
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    try {
      await login.ensure(server(), signal);
      if (failures > 0) failed(null);
      failures = 0;
    } catch (cause) {
      if (signal.aborted) return;
      failures += 1;
      failed(cause instanceof Error ? cause.message : String(cause));
    }
    await sleep(clock, failures === 0 ? renewalCheckMs : backoffMs(failures, { baseMs: 500, maxMs: 10_000 }), signal);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
