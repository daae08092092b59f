import type { AccessRequest, RefusalReason } from '../../model/access.ts';
import { hostnameOf, type ServerNames } from './server-names.ts';

export interface RequestFault {
  readonly reason: RefusalReason;
  readonly message: string;
}

/**
 * Detects a request that a foreign web page may have caused in a browser that can reach this server; null if it is
 * none. It checks for a foreign name that resolves to this server (`Host`) and for a page of another origin (`Origin`,
 * `Sec-Fetch-Site`). It also checks for forms, which browsers submit across origins without a preflight.
 */
export function browserFault(asked: AccessRequest, names: ServerNames): RequestFault | null {
  return asked.need.type === 'discover' ? sidecarFault(asked) : (usualFault(asked, names) ?? formFault(asked));
}

/**
 * Checks a discovery request. Envoy sends its cluster name as `Host`, and none of the headers that browsers add to a
 * POST.
 */
function sidecarFault(asked: AccessRequest): RequestFault | null {
  if (headerOf(asked, 'origin') === '' && headerOf(asked, 'sec-fetch-site') === '') return formFault(asked);
  return { reason: 'origin', message: 'discovery is for sidecars: a web page may not ask for it' };
}

function usualFault(asked: AccessRequest, names: ServerNames): RequestFault | null {
  const host = headerOf(asked, 'host');
  if (!names.isOwn(host)) {
    const message = `"${shortened(host)}" is not a name of this server: add it to http.allowedHosts in binnacle.yaml if it is`;
    return { reason: 'host', message };
  }
  const origin = headerOf(asked, 'origin');
  const isForeign = origin === '' ? isCrossSite(asked) : !isSameOrigin(origin, host, names);
  if (!isForeign) return null;
  const from = origin === '' ? 'another site' : `the origin "${shortened(origin)}"`;
  const cure = 'add its name to http.allowedHosts in binnacle.yaml if it is of this server';
  return { reason: 'origin', message: `a web page of ${from} may not use this server; ${cure}` };
}

function isSameOrigin(origin: string, host: string, names: ServerNames): boolean {
  const authority = /^https?:\/\/([^/]+)$/i.exec(origin)?.[1];
  if (authority === undefined) return false;
  if (authority.toLowerCase() === host.toLowerCase()) return true;
  const name = hostnameOf(authority);
  return name !== null && names.isAllowed(name);
}

/** Detects cross-site requests other than followed links: a linking page cannot read the result. */
function isCrossSite(asked: AccessRequest): boolean {
  const site = headerOf(asked, 'sec-fetch-site');
  if (site !== 'cross-site' && site !== 'same-site') return false;
  return asked.method !== 'GET' || headerOf(asked, 'sec-fetch-mode') !== 'navigate';
}

/**
 * Detects forms. POST is the only method that changes state and that browsers send across origins without a preflight,
 * with content types of forms or none (https://fetch.spec.whatwg.org/#cors-preflight-fetch). Browsers never add a
 * bearer token.
 */
function formFault(asked: AccessRequest): RequestFault | null {
  if (asked.method !== 'POST' || /^bearer /i.test(headerOf(asked, 'authorization'))) return null;
  const type = headerOf(asked, 'content-type').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (/^(application|text)\/([a-z0-9.+-]*[.+-])?(json|yaml|protobuf)$/.test(type)) return null;
  const given = type === '' ? 'none was sent' : `not ${shortened(type)}`;
  const message = `send Content-Type: application/json or application/yaml (${given}), or a bearer token: a web page can send neither unasked`;
  return { reason: 'content-type', message };
}

/** Returns a header's value; empty if absent. */
export function headerOf({ headers }: AccessRequest, name: string): string {
  const value = headers[name];
  return (typeof value === 'string' ? value : value?.join(', ')) ?? '';
}

const shortened = (text: string): string => (text.length > 100 ? `${text.slice(0, 100)}…` : text);
