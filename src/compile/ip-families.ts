import { ipVersion } from '../lib/ip.ts';
import type { IpFamilies } from '../plan/ip-families.ts';

/** Returns the families of a workload's addresses; IPv4 for a workload without addresses. */
export function ipFamiliesOf(addresses: readonly string[]): IpFamilies {
  const hasIpv6 = addresses.some((address) => ipVersion(address) === 6);
  if (!hasIpv6) return 'ipv4';
  return addresses.some((address) => ipVersion(address) === 4) ? 'dual' : 'ipv6';
}
