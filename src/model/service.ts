import type { Hostname } from './names.ts';

/** What a port speaks. `unknown` is a port whose platform did not say. */
export type Protocol = 'http' | 'http2' | 'grpc' | 'grpc-web' | 'https' | 'tls' | 'tcp' | 'udp' | 'unknown';

/** Whether requests can be told apart and routed; TLS that is passed through cannot. */
export const isHttp = (protocol: Protocol): boolean =>
  protocol === 'http' || protocol === 'http2' || protocol === 'grpc' || protocol === 'grpc-web';

/** One port of a service. */
export interface ServicePort {
  /** Unique within the service; endpoints give their own port number per name. */
  readonly name: string;
  /** The port that clients call, 1 to 65535. */
  readonly number: number;
  readonly protocol: Protocol;
}

/**
 * Names for ports, in their order: of several of one name the first keeps it, the others are called by their numbers, under
 * which endpoints have them, too.
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
 * How a client finds the endpoints of a service.
 * `static`: the registry knows them · `dns`: every address of a name · `dns-round-robin`: one address of a name ·
 * `passthrough`: the client's own destination address is kept.
 */
export type Resolution = 'static' | 'dns' | 'dns-round-robin' | 'passthrough';

/** A named thing that clients call, as the merged registry knows it. */
export interface Service {
  readonly hostname: Hostname;
  readonly namespace: string;
  /** The short name, for shortened domains: `reviews`. Equal to the hostname where there is no shorter one. */
  readonly name: string;
  /** The kind of adapter that told of it (`kubernetes`, `registration`, `service-entry`, …). Kubernetes wins over others. */
  readonly registry: string;
  /** Milliseconds since the Unix epoch; decides between services of one hostname (the oldest wins). */
  readonly createdAtMs: number;
  readonly ports: readonly ServicePort[];
  /** Virtual addresses (ClusterIP, ServiceEntry addresses), also ranges of them. Empty: clients come by name only. */
  readonly vips: readonly string[];
  readonly aliases: readonly Hostname[];
  /**
   * The host that this is only another name of (Kubernetes' ExternalName). Such a service has no ports, endpoints or listeners
   * of its own: it is called as that host, if some service has it. Null for a service of its own.
   */
  readonly aliasOf: Hostname | null;
  readonly resolution: Resolution;
  /** A Kubernetes service without a virtual address: clients connect to an endpoint's own address. */
  readonly headless: boolean;
  /** `*`, `.`, `~` or namespaces. Empty: the mesh's default. */
  readonly exportTo: readonly string[];
  /** Outside the mesh: no mutual TLS, no identity. */
  readonly external: boolean;
  readonly labels: Readonly<Record<string, string>>;
}
