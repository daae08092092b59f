import type { Hostname } from './names.ts';

/** Protocol of a port; `unknown` if the platform does not give one. */
export type Protocol = 'http' | 'http2' | 'grpc' | 'grpc-web' | 'https' | 'tls' | 'tcp' | 'udp' | 'unknown';

/** Reports whether single requests can be routed. Passed-through TLS hides them. */
export const isHttp = (protocol: Protocol): boolean =>
  protocol === 'http' || protocol === 'http2' || protocol === 'grpc' || protocol === 'grpc-web';

/** Reports whether connections begin with TLS, and so may name their host. */
export const isTls = (protocol: Protocol): boolean => protocol === 'tls' || protocol === 'https';

/** Reports whether a connection may turn out to be HTTP, because the platform does not say what it is. */
export const isDetected = (protocol: Protocol): boolean => protocol === 'unknown';

/** Port of a service. */
export interface ServicePort {
  /** Name, unique within the service; endpoints map it to their own port number. */
  readonly name: string;
  /** Port that clients call, 1 to 65535. */
  readonly number: number;
  readonly protocol: Protocol;
  /** Port of the original destination that replaces the called one, with the resolution `passthrough`. */
  readonly passthroughPort?: number;
}

/**
 * Returns unique names for ports, in their order. The first port of a name keeps it; later ones use their number, and
 * so do their endpoints.
 */
export function distinctPortNames(ports: readonly Pick<ServicePort, 'name' | 'number'>[]): readonly string[] {
  const given = new Set<string>();
  return ports.map(({ name, number }) => {
    const own = given.has(name) ? String(number) : name;
    given.add(own);
    return own;
  });
}

/**
 * Resolution of a service to endpoints. `static`: the registry lists them. `dns`: all addresses of a name.
 * `dns-round-robin`: one address of a name. `dynamic-dns`: the name of the call, which a wildcard covers. `passthrough`:
 * the client's original destination.
 */
export type Resolution = 'static' | 'dns' | 'dns-round-robin' | 'dynamic-dns' | 'passthrough';

/** Named service that clients call, as the merged registry has it. */
export interface Service {
  readonly hostname: Hostname;
  readonly namespace: string;
  /** Short name for shortened domains: `reviews`. Equal to the hostname if there is no shorter one. */
  readonly name: string;
  /**
   * Kind of adapter that defines it (`kubernetes`, `registration`, `service-entry`, …). Kubernetes takes precedence.
   */
  readonly registry: string;
  /**
   * Creation time in milliseconds since the Unix epoch. The oldest of several services of one hostname takes
   * precedence.
   */
  readonly createdAtMs: number;
  readonly ports: readonly ServicePort[];
  /** Virtual addresses (ClusterIP, ServiceEntry addresses) or ranges. Empty if clients use only the name. */
  readonly vips: readonly string[];
  /** Addresses that clients get for a service without virtual addresses if their DNS is answered by the mesh. */
  readonly autoAddresses?: readonly string[];
  readonly aliases: readonly Hostname[];
  /**
   * Host of which this is an alias (Kubernetes' ExternalName), or null. An alias has no ports, endpoints or listeners.
   * Calls to it go to that host, if some service defines it.
   */
  readonly aliasOf: Hostname | null;
  readonly resolution: Resolution;
  /** True for a Kubernetes service without a virtual address: clients connect to addresses of endpoints. */
  readonly headless: boolean;
  /** Visibility: `*`, `.`, `~` or namespaces. Empty for the mesh's default. */
  readonly exportTo: readonly string[];
  /** Endpoints that clients prefer while enough of them are healthy: those of their own zone or node. Absent for none. */
  readonly prefersNear?: 'zone' | 'node' | undefined;
  /** True outside the mesh: no mutual TLS, no identity. */
  readonly external: boolean;
  /** Names of which a server certificate must have one. Absent or empty: any. */
  readonly subjectAltNames?: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Selector of its workloads, by which WorkloadEntries of its namespace become endpoints. Absent: none. */
  readonly selector?: ServiceSelector;
}

/** Selector of the workloads of a platform's service. */
export interface ServiceSelector {
  /** At least one label; a workload must have all of them. */
  readonly labels: Readonly<Record<string, string>>;
  /** By the name of the service's port: the workloads' port, or its name. */
  readonly targetPorts: Readonly<Record<string, number | string>>;
}
