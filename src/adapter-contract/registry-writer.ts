import type { Hostname } from '../model/names.ts';
import type { Protocol } from '../model/service.ts';

/** Service of the mesh whose instances are to be in a registry. */
export interface WrittenService {
  readonly namespace: string;
  readonly hostname: Hostname;
}

/** Port at which callers reach an entry. */
export interface RegistryPort {
  /** Name of the protocol in the registry, `dubbo` for example. If the registry knows none of it, `protocol` counts. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
}

/** Instance that is to be in a registry. */
export interface RegistryEntry {
  /** Unique among the entries of a service. */
  readonly id: string;
  readonly address: string;
  /** One or more. */
  readonly ports: readonly RegistryPort[];
  readonly labels: Readonly<Record<string, string>>;
  /** Relative weight, 1 or more. */
  readonly weight: number;
  /** Locality `region/zone/subzone`; empty if unknown. */
  readonly locality: string;
  /** Milliseconds since the Unix epoch. */
  readonly registeredAtMs: number;
}

/** Writes instances into the registry of an adapter. Each call is one attempt, which the caller repeats. */
export interface RegistryWriter {
  /** Returns the reason why the registry can never have an entry, or null. It asks nobody. */
  refusalOf(service: WrittenService, entry: RegistryEntry): string | null;
  /**
   * Makes these the only entries of this program that the registry has for a service. Resolves with the entries that the
   * registry refuses, with reasons by id: a repetition would not succeed. Rejects with the reason if the registry is
   * out of reach. At most one call at a time for a service.
   */
  write(service: WrittenService, entries: readonly RegistryEntry[]): Promise<ReadonlyMap<string, string>>;
  /**
   * Calls `listener` for a service whose entries may be missing in the registry and have to be written again, or with
   * null for all of them. Returns a function that ends the subscription.
   */
  onLost(listener: (service: WrittenService | null) => void): () => void;
}
