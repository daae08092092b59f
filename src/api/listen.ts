import type { FastifyInstance } from 'fastify';
import type { Clock } from '../lib/clock.ts';
import { type ErrorCode, MeshError } from '../lib/errors.ts';

export interface ListenAddress {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

/** Begins to listen and answers with the URL. Rejects with PORT_TAKEN or CONFIG_INVALID, naming the flag to use. */
export async function listenHttp(server: FastifyInstance, { host, port }: ListenAddress): Promise<string> {
  try {
    return await server.listen({ host, port });
  } catch (cause) {
    throw listenError(cause, { address: `${host.includes(':') ? `[${host}]` : host}:${port}`, flag: '--http' });
  }
}

/** Takes no more connections, lets requests finish for `graceMs` at most, then cuts off what is left: watches never end. */
export async function closeHttp(
  server: FastifyInstance,
  { clock, graceMs }: { clock: Clock; graceMs: number },
): Promise<void> {
  const cancel = clock.after(graceMs, () => server.server.closeAllConnections());
  await server.close();
  cancel();
}

/** What a failed `listen` means for an operator, and what to do; for every port that is served. */
export function listenError(cause: unknown, { address, flag }: { address: string; flag: string }): unknown {
  const reason = reasonOf(cause);
  if (reason === null) return cause;
  const [code, why] = reason;
  return new MeshError(code, `cannot listen on ${address}: ${why} choose another with ${flag}`, { cause });
}

function reasonOf(cause: unknown): readonly [ErrorCode, string] | null {
  switch (
    (cause as NodeJS.ErrnoException).code // other errors have no code, or another
  ) {
    case 'EADDRINUSE':
      return ['PORT_TAKEN', 'another process listens there: stop it, or'];
    case 'EACCES':
      return ['CONFIG_INVALID', 'this user may not use that port,'];
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return ['CONFIG_INVALID', 'this machine has no such address,'];
    default:
      return null;
  }
}
