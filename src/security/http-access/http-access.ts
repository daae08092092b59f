import { assertNever } from '../../lib/assert-never.ts';
import type { AccessRequest, AccessVerdict, HttpCaller, Need } from '../../model/access.ts';
import type { Authenticator, PeerCertificate } from '../access/authenticate.ts';
import { mayDo, type Roles } from '../access/roles.ts';
import { browserFault, headerOf } from './browser.ts';
import type { ServerNames } from './server-names.ts';

export interface HttpAccessOptions {
  readonly names: ServerNames;
  /** Authenticator of the current access file; null if no authentication is required. Evaluated for every request. */
  readonly authenticator: () => Authenticator | null;
  /** Called with every rejected request. */
  readonly refused: (asked: AccessRequest, verdict: AccessVerdict & { readonly type: 'refused' }) => void;
}

/** Caller without authentication: on loopback without an access file, or with `--insecure`. */
const unauthenticated: HttpCaller = { identity: null, reasonAgainst: () => null };

/** Creates the access check for all HTTP requests. */
export function createHttpAccess(options: HttpAccessOptions) {
  return {
    admit(asked: AccessRequest, certificate: PeerCertificate): AccessVerdict {
      const verdict = decide(asked, certificate, options);
      if (verdict.type === 'refused') options.refused(asked, verdict);
      return verdict;
    },
  };
}

function decide(
  asked: AccessRequest,
  certificate: PeerCertificate,
  { names, authenticator }: HttpAccessOptions,
): AccessVerdict {
  if (asked.need.type === 'nothing') return { type: 'admitted', caller: unauthenticated };
  const fault = browserFault(asked, names);
  if (fault !== null) return { type: 'refused', ...fault, caller: null };
  const authentication = authenticator()?.authenticate(headerOf(asked, 'authorization'), certificate);
  if (authentication === undefined) return { type: 'admitted', caller: unauthenticated };
  if (authentication.type === 'unknown') {
    return { type: 'refused', reason: 'unauthenticated', message: authentication.message, caller: null };
  }
  if (authentication.type === 'anonymous') {
    const caller = callerWith('anonymous', authentication.roles);
    if (caller.reasonAgainst(asked.need) === null) return { type: 'admitted', caller };
    return { type: 'refused', reason: 'unauthenticated', message: authentication.message, caller: null };
  }
  const caller = callerWith(authentication.identity, authentication.roles);
  const message = caller.reasonAgainst(asked.need);
  return message === null ? { type: 'admitted', caller } : { type: 'refused', reason: 'forbidden', message, caller };
}

const callerWith = (identity: string, roles: Roles): HttpCaller => ({
  identity,
  reasonAgainst: (need) =>
    mayDo(roles, need) ? null : `"${identity}" may not ${actionOf(need)}: the access file does not give it that role`,
});

function actionOf(need: Need): string {
  switch (need.type) {
    case 'nothing':
    case 'describe':
      return 'ask';
    case 'read':
      return 'read';
    case 'discover':
      return 'fetch the configuration of sidecars';
    case 'write-rules':
      if (need.namespace === '') return 'write objects of the whole mesh (only an admin may)';
      return `write rules${need.namespace === null ? '' : ` in the namespace "${need.namespace}"`}`;
    case 'read-registrations':
      return `read what is registered in the namespace "${need.namespace}"`;
    case 'register':
      return `register services${need.namespace === null ? '' : ` in the namespace "${need.namespace}"`}`;
    case 'admin':
      return 'do this (only an admin may)';
    default:
      return assertNever(need);
  }
}
