import type { Asked, DoorReason } from '../../model/access.ts';
import { hostnameOf, type ServerNames } from './server-names.ts';

export interface DoorFault {
  readonly reason: DoorReason;
  readonly message: string;
}

/**
 * Why a request may be the doing of a foreign web page, in the browser of somebody who can reach this server; null if it
 * is none. Three ways are closed: a name of another's that leads here (`Host`), a page of another origin (`Origin`,
 * `Sec-Fetch-Site`), and what browsers send for such a page without asking first (a form).
 */
export function browserFault(asked: Asked, names: ServerNames): DoorFault | null {
  return asked.need.type === 'discover' ? sidecarFault(asked) : (usualFault(asked, names) ?? formFault(asked));
}

/** Envoy's REST client sends the name of its cluster as `Host`, and nothing that browsers add to every POST. */
function sidecarFault(asked: Asked): DoorFault | null {
  if (headerOf(asked, 'origin') === '' && headerOf(asked, 'sec-fetch-site') === '') return formFault(asked);
  return { reason: 'origin', message: 'discovery is for sidecars: a web page may not ask for it' };
}

function usualFault(asked: Asked, names: ServerNames): DoorFault | null {
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

/** Links of other sites may be followed: a page that is shown tells the one with the link nothing. */
function isCrossSite(asked: Asked): boolean {
  const site = headerOf(asked, 'sec-fetch-site');
  if (site !== 'cross-site' && site !== 'same-site') return false;
  return asked.method !== 'GET' || headerOf(asked, 'sec-fetch-mode') !== 'navigate';
}

/**
 * POST is the one method that changes something and that browsers send for other origins unasked, with the content types
 * of forms or without any (https://fetch.spec.whatwg.org/#cors-preflight-fetch). Nor do they add a bearer token.
 */
function formFault(asked: Asked): DoorFault | null {
  if (asked.method !== 'POST' || /^bearer /i.test(headerOf(asked, 'authorization'))) return null;
  const type = headerOf(asked, 'content-type').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (/^(application|text)\/([a-z0-9.+-]*[.+-])?(json|yaml|protobuf)$/.test(type)) return null;
  const given = type === '' ? 'none was sent' : `not ${shortened(type)}`;
  const message = `send Content-Type: application/json or application/yaml (${given}), or a bearer token: a web page can send neither unasked`;
  return { reason: 'content-type', message };
}

/** A header's value; empty where there is none. */
export function headerOf({ headers }: Asked, name: string): string {
  const value = headers[name];
  return (typeof value === 'string' ? value : value?.join(', ')) ?? '';
}

const shortened = (text: string): string => (text.length > 100 ? `${text.slice(0, 100)}…` : text);
