import { isAddressRange } from '../../addresses.ts';

/*
 * Checks of single values of an AuthorizationPolicy. They return a mistake or null:
 * https://istio.io/latest/docs/reference/config/security/authorization-policy/
 */

/** Checks an address or a range. */
export const wrongIpBlock = (text: string): string | null =>
  isAddressRange(text) ? null : 'must be an IP address or a range such as 10.0.0.0/8';

/** Checks a port, as text. */
export const wrongPort = (text: string): string | null =>
  /^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? null : 'must be a port, 0 to 65535';

/** Checks `name` or `namespace/name`. */
export function wrongServiceAccount(text: string): string | null {
  if (text.includes('*')) return 'must be a whole name: service accounts take no wildcards';
  const parts = text.split('/');
  return parts.length <= 2 && parts.every((part) => part !== '')
    ? null
    : 'must be a service account, or namespace/service account';
}

/** Checks a trust domain, possibly with a wildcard at one end. */
export function wrongTrustDomain(text: string): string | null {
  if (text.includes('/')) return 'must be a trust domain, without "/"';
  return wrongWildcard(text);
}

/** Checks that `*` occurs alone, at the start or at the end. */
export const wrongWildcard = (text: string): string | null =>
  /^(\*|\*?[^*]+|[^*]+\*)$/.test(text) ? null : 'may have one "*", at its start or its end';

/** The characters of a path's segment: RFC 3986, pchar. */
const segmentText = /^[a-zA-Z0-9\-._~%!$&'()+,;:@=]+$/;

/** Checks a path: `{*}` matches one segment, `{**}` the rest. */
export function wrongPath(text: string): string | null {
  const isTemplate = text.includes('{*}') || text.includes('{**}');
  let rest = false;
  for (const segment of text.replace(/^\/+|\/+$/g, '').split('/')) {
    const isOperator = segment === '{*}' || segment === '{**}';
    if (isOperator && rest) return 'must end with {**}, if it has it: nothing may be matched after it';
    if (segment === '{**}') rest = true;
    if (isOperator) continue;
    if (/[{}]/.test(segment)) return 'may have { and } only in the segments {*} and {**}';
    if (isTemplate && !segmentText.test(segment))
      return `has a segment "${segment}" that cannot occur beside {*} or {**}`;
  }
  return null;
}
