import type { FastifyInstance } from 'fastify';
import type { Clock } from '../lib/clock.ts';
import { type ErrorCode, MeshError } from '../lib/errors.ts';

export interface HttpAddress {
  readonly host: string;
  /** Port number; 0 lets the operating system choose. */
  readonly port: number;
}

/** Starts listening and returns the URL. Rejects with PORT_TAKEN or CONFIG_INVALID, which name the flag to change. */
export async function listenHttp(server: FastifyInstance, { host, port }: HttpAddress): Promise<string> {
  try {
    return await server.listen({ host, port });
  } catch (cause) {
    throw listenError(cause, { address: `${host.includes(':') ? `[${host}]` : host}:${port}`, flag: '--http' });
  }
}

/** Stops accepting connections, waits up to `graceMs` for open requests, then closes the rest: watches never end. */
export async function closeHttp(
  server: FastifyInstance,
  { clock, graceMs }: { clock: Clock; graceMs: number },
): Promise<void> {
  const cancel = clock.after(graceMs, () => server.server.closeAllConnections());
  await server.close();
  cancel();
}

/** Translates a failed `listen` into an error with the cause and the remedy. Used for every port. */
export function listenError(cause: unknown, { address, flag }: { address: string; flag: string }): unknown {
  const reason = reasonOf(cause);
  if (reason === null) return cause;
  const [code, why] = reason;
  return new MeshError(code, `cannot listen on ${address}: ${why} choose another with ${flag}`, { cause });
}

function reasonOf(cause: unknown): readonly [ErrorCode, string] | null {
  switch (
    (cause as NodeJS.ErrnoException).code // other errors have no code or a different one
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
