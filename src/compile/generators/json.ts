/** An extension in an Any. Encoding refuses a type that is not known, and a value that the type cannot hold. */
export const extension = <T extends object>(type: string, value: T): T & { '@type': string } => ({
  '@type': `type.googleapis.com/${type}`,
  ...value,
});

/** A protobuf duration: seconds as text. */
export const durationFromMs = (ms: number): string => `${ms / 1000}s`;

export const socketAddress = (address: string, port: number) => ({ socketAddress: { address, portValue: port } });

/** Addresses of a listener: the first as `address`, the others as additional ones. */
export const listenAt = ([first, ...others]: readonly [string, ...string[]], port: number) => ({
  address: socketAddress(first, port),
  ...(others.length === 0
    ? {}
    : { additionalAddresses: others.map((address) => ({ address: socketAddress(address, port) })) }),
});

/** Fetch over the stream that everything else comes on. */
export const overAds = { ads: {}, resourceApiVersion: 'V3' } as const;
