import { canonicalAddress, canonicalIp, ipVersion } from '../../lib/ip.ts';
import { err, ok, type Result } from '../../lib/result.ts';

/** Condition on the address of a provider. */
export interface AddressPattern {
  readonly host: HostPattern;
  /** Port, or null for all. */
  readonly port: number | null;
}

type HostPattern =
  | { readonly type: 'any' }
  | { readonly type: 'exact'; readonly host: string }
  /** Each segment of an IPv4 address lies in a range. */
  | { readonly type: 'segments'; readonly ranges: readonly (readonly [number, number])[] }
  | { readonly type: 'network'; readonly version: 4 | 6; readonly first: bigint; readonly bits: number };

const anyHosts = ['*', '0.0.0.0', 'anyhost', ''];

/**
 * Parses an address of a rule: `10.0.0.1`, `10.0.0.1:20880`, `10.0.0.*`, `10.1-9.*.*`, `10.0.0.0/8`, a host name, and
 * `0.0.0.0` or `*` for all. IPv6 addresses with a port stand in brackets.
 */
export function parseAddressPattern(text: string): Result<AddressPattern, string> {
  const [, bracketed, plain = '', portText] = /^(?:\[([^\]]*)\]|([^:]*)|.*)(?::([^:]*))?$/s.exec(text.trim()) ?? [];
  const isBareIpv6 = ipVersion(text.split('/')[0] ?? '') === 6;
  const hostText = isBareIpv6 ? text : (bracketed ?? plain);
  const port = isBareIpv6 ? undefined : portText;
  const host = parseHost(hostText);
  if (host === null) return err(`'${text}' is no address`);
  if (port === undefined || port === '*') return ok({ host, port: null });
  if (!/^\d{1,5}$/.test(port)) return err(`'${text}' has no port that is a number`);
  return ok({ host, port: Number(port) === 0 ? null : Number(port) });
}

/** Reports whether a pattern covers every address. */
export const isEveryProvider = ({ host, port }: AddressPattern): boolean => host.type === 'any' && port === null;

export function matchesAddress(pattern: AddressPattern, host: string, port: number): boolean {
  return (pattern.port === null || pattern.port === port) && matchesHost(pattern.host, host);
}

function parseHost(text: string): HostPattern | null {
  if (anyHosts.includes(text)) return { type: 'any' };
  if (text.includes('/')) return parseNetwork(text);
  if (/^[\d*-]+(\.[\d*-]+){3}$/.test(text) && /[*-]/.test(text)) return parseSegments(text);
  if (/[\s*]/.test(text)) return null;
  return { type: 'exact', host: canonicalAddress(text) };
}

function parseSegments(text: string): HostPattern | null {
  const ranges = text.split('.').map((segment): readonly [number, number] | null => {
    if (segment === '*') return [0, 255];
    const [, from = '', to = from] = /^(\d{1,3})(?:-(\d{1,3}))?$/.exec(segment) ?? [];
    return from === '' ? null : [Number(from), Number(to)];
  });
  return ranges.includes(null) ? null : { type: 'segments', ranges: ranges.filter((range) => range !== null) };
}

function parseNetwork(text: string): HostPattern | null {
  const [address = '', bitText = ''] = text.split('/');
  const version = ipVersion(address);
  const bits = Number(bitText);
  if (version === 0 || !/^\d{1,3}$/.test(bitText) || bits > widthOf(version)) return null;
  return { type: 'network', version, first: numberOf(address) >> BigInt(widthOf(version) - bits), bits };
}

function matchesHost(pattern: HostPattern, host: string): boolean {
  switch (pattern.type) {
    case 'any':
      return true;
    case 'exact':
      return pattern.host === canonicalAddress(host);
    case 'segments':
      return (
        ipVersion(host) === 4 &&
        host.split('.').every((segment, index) => {
          const [from = 0, to = 255] = pattern.ranges[index] ?? [];
          return from <= Number(segment) && Number(segment) <= to;
        })
      );
    case 'network': {
      const { version, first, bits } = pattern;
      return ipVersion(host) === version && numberOf(host) >> BigInt(widthOf(version) - bits) === first;
    }
  }
}

const widthOf = (version: 4 | 6): number => (version === 4 ? 32 : 128);

/** Returns an IP address as a number. */
function numberOf(address: string): bigint {
  if (ipVersion(address) === 4)
    return address.split('.').reduce((sum, segment) => sum * 256n + BigInt(Number(segment)), 0n);
  const [before = '', after] = canonicalIp(address).split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const [head, tail] = [groups(before), groups(after ?? '')];
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0');
  return [...head, ...zeros, ...tail].reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n);
}
