/** Wraps an extension in an Any. Encoding throws on an unknown type, and on a value that does not fit the type. */
export const extension = <T extends object>(type: string, value: T): T & { '@type': string } => ({
  '@type': `type.googleapis.com/${type}`,
  ...value,
});

/** Writes a protobuf duration: seconds as text. */
export const durationFromMs = (ms: number): string => `${ms / 1000}s`;

/** Writes a percentage, 0 to 100, as a fraction. */
export const fractionOf = (percent: number) => ({
  numerator: Math.round(percent * 10_000),
  denominator: 'MILLION' as const,
});

export const socketAddress = (address: string, port: number) => ({ socketAddress: { address, portValue: port } });

/** Writes an address at which a listener may be: an IP address with a port, or `unix://` and a path. */
const listenAddress = (address: string, port: number) =>
  address.startsWith('unix://') ? { pipe: { path: address.slice('unix://'.length) } } : socketAddress(address, port);

/** Writes the addresses of a listener: the first as `address`, the others as additional ones. */
export const listenAt = ([first, ...others]: readonly [string, ...string[]], port: number) => ({
  address: listenAddress(first, port),
  ...(others.length === 0
    ? {}
    : { additionalAddresses: others.map((address) => ({ address: socketAddress(address, port) })) }),
});

/** Writes a locality `region/zone/subzone`, of which trailing parts may be absent. */
export function localityJson(locality: string) {
  const [region = '', zone = '', subZone = ''] = locality.split('/');
  return { ...(region && { region }), ...(zone && { zone }), ...(subZone && { subZone }) };
}

/** Config source: the ADS stream. */
export const overAds = { ads: {}, resourceApiVersion: 'V3' } as const;
