import { canonicalIp, ipVersion } from './ip.ts';

/**
 * Returns the canonical form of an address or a range of addresses (CIDR): without bits beyond the length, and a range
 * of one address as that address. Two forms of one range are equal then. `text` must be an address or a range.
 */
export function canonicalRange(text: string): string {
  const [address = '', bits] = text.split('/');
  const size = ipVersion(address) === 4 ? 32 : 128;
  const length = bits === undefined ? size : Number(bits);
  if (length === size) return canonicalIp(address);
  const mask = ((1n << BigInt(length)) - 1n) << BigInt(size - length);
  const value = (size === 32 ? ipv4Value(address) : ipv6Value(address)) & mask;
  return `${size === 32 ? ipv4Text(value) : ipv6Text(value)}/${length}`;
}

const ipv4Value = (address: string): bigint =>
  address.split('.').reduce((sum, octet) => sum * 256n + BigInt(octet), 0n);

const ipv4Text = (value: bigint): string => [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.');

function ipv6Value(address: string): bigint {
  const [head = '', tail] = canonicalIp(address).split('::');
  const [before, after] = [groupsOf(head), groupsOf(tail ?? '')];
  const zeros = tail === undefined ? [] : new Array<string>(8 - before.length - after.length).fill('0');
  return [...before, ...zeros, ...after].reduce((sum, group) => (sum << 16n) + BigInt(`0x${group}`), 0n);
}

const groupsOf = (part: string): readonly string[] => (part === '' ? [] : part.split(':'));

function ipv6Text(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16));
  return canonicalIp(groups.join(':'));
}
