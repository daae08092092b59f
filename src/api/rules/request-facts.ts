import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Authorship } from '../../rules/store/store.ts';
import { isDryRun, queryOf } from './parameters.ts';

/** What a route says of itself, for the audit trail. */
export interface RouteFacts {
  /** As in `RequestFacts`; null for a route that changes nothing. */
  readonly verb: string | null;
  /** Empty where a route is about no single kind. */
  readonly kind: string;
}

const maxTextLength = 200;

export function routeFacts(request: FastifyRequest): RouteFacts {
  const { factsOf } = request.routeOptions.config as { factsOf?: (request: FastifyRequest) => RouteFacts }; // of serve.ts
  return factsOf?.(request) ?? { verb: null, kind: '' };
}

/** Who asks for a change: the identity that they proved, or, where nobody has to prove any, what they say of themselves. */
export function authorship(request: FastifyRequest, dryRun = isDryRun(queryOf(request))): Authorship {
  const userAgent = textOf(request.headers['user-agent']);
  return {
    author: request.caller?.identity ?? (textOf(request.headers['x-binnacle-author']) || userAgent || 'unknown'),
    request: { verb: routeFacts(request).verb ?? '', remote: request.ip, userAgent },
    dryRun,
  };
}

/** Node reads the bytes of a header as Latin-1. Names are of all alphabets: here they are UTF-8. */
const textOf = (header: string | string[] | undefined): string =>
  Buffer.from(String(header ?? ''), 'latin1')
    .toString('utf8')
    .slice(0, maxTextLength);

const maxWarnings = 20;
const maxWarningLength = 256;

/** Tells the client what it may not have meant. https://www.rfc-editor.org/rfc/rfc7234#section-5.5 */
export function warn(reply: FastifyReply, warnings: readonly string[]): void {
  if (warnings.length === 0) return;
  const more = warnings.length - maxWarnings;
  const said = more > 0 ? [...warnings.slice(0, maxWarnings), `and ${more} more of this sort`] : warnings;
  reply.header(
    'warning',
    said.map((text) => `299 - "${quotable(text)}"`),
  );
}

/** A header holds printable ASCII; quotes and backslashes are escaped. */
function quotable(text: string): string {
  const printable = text.replace(/[^\x20-\x7e]/g, '?');
  const short = printable.length > maxWarningLength ? `${printable.slice(0, maxWarningLength)}...` : printable;
  return short.replace(/["\\]/g, '\\$&');
}
