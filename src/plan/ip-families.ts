/** Address families of a captured workload. Envoy searches listeners only within the family of a connection. */
export type IpFamilies = 'ipv4' | 'ipv6' | 'dual';

export type OneOrTwo = readonly [first: string, ...second: string[]];

/** Wildcard addresses of a workload; the first one is in listener names. */
export const anyAddress: Readonly<Record<IpFamilies, OneOrTwo>> = {
  ipv4: ['0.0.0.0'],
  ipv6: ['::'],
  dual: ['0.0.0.0', '::'],
};

/** Source addresses that mark connections of the workload's own proxy, so that the kernel does not redirect them. */
export const inboundSources: Readonly<Record<IpFamilies, OneOrTwo>> = {
  ipv4: ['127.0.0.6'],
  ipv6: ['::6'],
  dual: ['127.0.0.6', '::6'],
};
