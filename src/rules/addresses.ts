import { ipVersion } from '../lib/ip.ts';

/** Returns whether a text is an IP address, or a range of them such as `10.0.0.0/8`. */
export function isAddressRange(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const family = ipVersion(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

const dnsName = /^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)*[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.?$/i;

/** Returns whether a text is a hostname without a wildcard. */
export const isDnsName = (text: string): boolean => text.length <= 255 && ipVersion(text) === 0 && dnsName.test(text);

/** Returns whether a text addresses a Unix domain socket. */
export const isUnixAddress = (text: string): boolean => text.startsWith('unix://');

/**
 * Says why a Unix socket address is invalid, or returns null. Valid are `unix:///path`, and `unix://@name` on Linux.
 */
export const wrongUnixAddress = (text: string): string | null =>
  /^unix:\/\/[/@].*[^/]$/.test(text) ? null : 'must be an absolute path or an abstract socket';
