import { canonicalIp, ipVersion } from '../lib/ip.ts';

/** Returns whether an address is in a range, such as `10.0.0.0` with 8 bits. False for addresses of another family. */
export function inRange(prefix: string, bits: number, address: string): boolean {
  const version = ipVersion(address);
  if (version === 0 || version !== ipVersion(prefix)) return false;
  const shift = BigInt((version === 4 ? 32 : 128) - bits);
  return numberOf(prefix) >> shift === numberOf(address) >> shift;
}

/** Returns an address as a number of 32 or 128 bits. */
function numberOf(address: string): bigint {
  if (!address.includes(':')) return address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
  const [head = '', tail] = canonicalIp(address).split('::');
  const first = head.split(':').filter(Boolean);
  const last = (tail ?? '').split(':').filter(Boolean);
  const groups = [...first, ...Array.from({ length: 8 - first.length - last.length }, () => '0'), ...last];
  return groups.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n);
}
