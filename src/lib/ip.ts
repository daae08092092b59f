const octet = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const ipv4 = new RegExp(`^${octet}(\\.${octet}){3}$`);

/** Returns 4 or 6 for an IP address, 0 for other text. Rejects zones. Pure, for rooms that must not use `node:net`. */
export function ipVersion(text: string): 0 | 4 | 6 {
  if (ipv4.test(text)) return 4;
  return isIpv6(text) ? 6 : 0;
}

/** Returns the canonical form of RFC 5952: `FD00:0::1` is `fd00::1`. `text` must be an IP address. */
export function canonicalIp(text: string): string {
  return text.includes(':') && !plainlyCanonical.test(text) ? new URL(`http://[${text}]`).hostname.slice(1, -1) : text;
}

/** Returns the canonical form of an IP address; other text stays unchanged. */
export const canonicalAddress = (text: string): string => (ipVersion(text) === 0 ? text : canonicalIp(text));

/** Detects `0.0.0.0`, `::` and ranges of all addresses, which no single service can own. */
export function isEveryAddress(text: string): boolean {
  const [address = '', bits] = text.split('/');
  return ['0.0.0.0', '::'].includes(canonicalAddress(address)) || Number(bits ?? 1) === 0;
}

/** Matches most canonical addresses with a zero run: `::` stands for all zero groups, at least two. */
const plainlyCanonical =
  /^(?=(?:[^:]*:){2,6}[^:]*$)[1-9a-f][0-9a-f]{0,3}(:[1-9a-f][0-9a-f]{0,3})*::([1-9a-f][0-9a-f]{0,3}(:[1-9a-f][0-9a-f]{0,3})*)?$/;

/** Reports whether a listener on `host` is reachable only from this machine: 127.0.0.0/8, `::1` or `localhost`. */
export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === 'localhost') return true;
  return ipVersion(host) === 4 ? host.startsWith('127.') : ipVersion(host) === 6 && canonicalIp(host) === '::1';
}

/** Parses RFC 4291: eight groups, one run of zero groups as `::`, optionally an IPv4 address as the last two. */
function isIpv6(text: string): boolean {
  if (!text.includes(':') || !/^[0-9a-fA-F:.]+$/.test(text)) return false;
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1) ?? '';
  const endsInIpv4 = ipv4.test(last) && !text.endsWith('::');
  const plain = endsInIpv4 ? groups.slice(0, -1) : groups;
  if (!plain.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return false;
  const count = plain.length + (endsInIpv4 ? 2 : 0);
  return halves.length === 2 ? count < 8 : count === 8;
}
