import type { BenchMesh } from '../mesh.ts';

/** Running registry with the instances of a mesh, and clients of it that do nothing else: the bare clients. */
export interface BenchRegistry {
  readonly title: string;
  readonly mesh: BenchMesh;
  /** Part of binnacle.yaml that follows it. */
  readonly adapter: object;
  /** Name of the cluster of a service. */
  clusterOf(service: number): string;
  /** Registers all instances. */
  fill(): Promise<void>;
  /** Reads all instances as the adapter has to, without building anything from them. Resolves with their number. */
  readBare(): Promise<number>;
  /** Subscribes a bare client to some services. */
  watchBare(services: readonly number[]): Promise<BareWatch>;
  /** Gives the first instance of a service another address. */
  move(service: number, address: string): Promise<void>;
  /** Removes the first `count` instances of the services, then registers each again with the same address. */
  restart(service: number, count: number): Promise<void>;
  close(): Promise<void>;
}

export interface BareWatch {
  /** Resolves with the time at which it is told an address, as `performance.now` counts. */
  told(address: string): Promise<number>;
  close(): Promise<void>;
}

/** Returns an address that no other pair of numbers has. */
export const addressOf = (round: number, number: number): string =>
  `10.${round & 255}.${(number >> 8) & 255}.${number & 255}`;

/** Returns the first addresses of the instances of a service. */
export const addressesOf = (service: number, { endpoints }: BenchMesh): string[] =>
  Array.from({ length: endpoints }, (_, index) => addressOf(1 + index, service));
