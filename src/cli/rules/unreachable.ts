import { MeshError } from '../../lib/errors.ts';
import { plainText } from './output.ts';
import type { Settings } from './settings.ts';

/** Translates an error of `fetch` into the reason why no answer arrived. */
export function notReached(settings: Settings, cause: unknown): MeshError {
  const message = `${whose(settings)} cannot be reached: ${reason(settings, cause)}; ${cure(settings)}`;
  return new MeshError('SERVER_UNREACHABLE', message, { cause });
}

/** Builds the error for an answer that is not from Binnacle. */
export const notBinnacle = (settings: Settings, what: string): MeshError =>
  new MeshError(
    'SERVER_UNREACHABLE',
    `${whose(settings)} is no rules API of Binnacle: ${plainText(what)}; is this its HTTP port? ${cure(settings)}`,
  );

const whose = ({ server, from }: Settings): string => (from === 'default' ? server : `${server} (${from})`);

function cure({ from }: Settings): string {
  if (from === 'default')
    return 'start it with "binnacle serve", or name another server with --server or BINNACLE_SERVER';
  return from.startsWith('context ')
    ? 'see that it runs, or choose another with --server or "binnacle context use"'
    : `see that it runs, or correct ${from}`;
}

function reason({ timeoutMs }: Settings, error: unknown): string {
  const innermost = innermostOf(error);
  if (innermost.name === 'TimeoutError') return `no answer within ${timeoutMs / 1000} s (--timeout)`;
  switch (innermost.code) {
    case 'ECONNREFUSED':
      return 'nothing listens there';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'its name is not known';
    case 'UND_ERR_SOCKET':
    case 'ECONNRESET':
    case 'EPIPE':
      return 'the connection ended before the answer was complete';
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return 'no CA that is trusted here has signed its certificate: name its CA with --ca-file';
    default:
      if (innermost.message === 'bad port') return 'clients refuse to speak HTTP on this port, as browsers do';
      if (innermost.name === 'HTTPParserError') return 'it does not speak HTTP/1.1 (the xDS port does not)';
      return plainText(innermost.message);
  }
}

/** Returns the cause of "fetch failed", or the first of several. */
function innermostOf(error: unknown): { name: string; code: string | undefined; message: string } {
  if (error instanceof AggregateError && error.errors.length > 0) return innermostOf(error.errors[0]);
  if (!(error instanceof Error)) return { name: '', code: undefined, message: String(error) };
  if (error.cause instanceof Error) return innermostOf(error.cause);
  const { code } = error as NodeJS.ErrnoException; // undefined for other errors
  return { name: error.name, code: typeof code === 'string' ? code : undefined, message: error.message };
}
