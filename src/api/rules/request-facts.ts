import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Authorship } from '../../rules/store.ts';
import { isDryRun, queryOf } from './parameters.ts';

/** Description of a route for the audit trail. */
export interface RouteFacts {
  /** Verb as in `RequestFacts`; null for a route that changes nothing. */
  readonly verb: string | null;
  /** Kind of the objects; empty if the route does not concern a single kind. */
  readonly kind: string;
}

const maxTextLength = 200;

export function routeFacts(request: FastifyRequest): RouteFacts {
  const { factsOf } = request.routeOptions.config as { factsOf?: (request: FastifyRequest) => RouteFacts }; // of serve.ts
  return factsOf?.(request) ?? { verb: null, kind: '' };
}

/**
 * Returns the author of a change: the authenticated identity or, without authentication, the name that the client
 * claims.
 */
export function authorship(request: FastifyRequest, dryRun = isDryRun(queryOf(request))): Authorship {
  const userAgent = textOf(request.headers['user-agent']);
  return {
    author: request.caller?.identity ?? (textOf(request.headers['x-binnacle-author']) || userAgent || 'unknown'),
    request: { verb: routeFacts(request).verb ?? '', remote: request.ip, userAgent },
    dryRun,
  };
}

/** Decodes a header as UTF-8, because names may use any alphabet. Node decodes headers as Latin-1. */
const textOf = (header: string | string[] | undefined): string =>
  Buffer.from(String(header ?? ''), 'latin1')
    .toString('utf8')
    .slice(0, maxTextLength);

const maxWarnings = 20;
const maxWarningLength = 256;

/** Adds warnings about possible mistakes to an answer. https://www.rfc-editor.org/rfc/rfc7234#section-5.5 */
export function warn(reply: FastifyReply, warnings: readonly string[]): void {
  if (warnings.length === 0) return;
  const more = warnings.length - maxWarnings;
  const shown = more > 0 ? [...warnings.slice(0, maxWarnings), `and ${more} more of this sort`] : warnings;
  reply.header(
    'warning',
    shown.map((text) => `299 - "${quotable(text)}"`),
  );
}

/** Converts a text to header syntax: escapes quotes and backslashes, replaces all but printable ASCII. */
function quotable(text: string): string {
  const printable = text.replace(/[^\x20-\x7e]/g, '?');
  const short = printable.length > maxWarningLength ? `${printable.slice(0, maxWarningLength)}...` : printable;
  return short.replace(/["\\]/g, '\\$&');
}
