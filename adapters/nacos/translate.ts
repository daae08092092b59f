import type { Provider } from '../../src/dubbo/provider.ts';
import { ipVersion } from '../../src/lib/ip.ts';
import type { Endpoint } from '../../src/model/endpoint.ts';
import type { ServicePort } from '../../src/model/service.ts';
import type { NacosInstance } from './messages.ts';
import { portFor } from './ports.ts';
import { integerWeights } from './weights.ts';

/** Names of metadata keys that mean something. An absent key means nothing. */
export interface MetadataKeys {
  readonly protocol: string;
  readonly version: string;
  readonly region: string;
  readonly zone: string;
  readonly subzone: string;
  /** Port of the sidecar beside the instance, which takes its calls. */
  readonly sidecarPort: string;
}

export interface TranslateOptions {
  readonly keys: MetadataKeys;
  /** Port numbers by protocol, where they are not the usual ones. */
  readonly ports: Readonly<Record<string, number>>;
  /** Protocol of an instance that names none. */
  readonly defaultProtocol: string;
  /** Clusters of Nacos to read; null for all. */
  readonly clusters: ReadonlySet<string> | null;
  /** Folder of the instances, for people: namespace, group and service. */
  readonly place: string;
  /** Returns the addresses of a host name: the last ones known, none before the first answer. */
  readonly addressesOf: (host: string) => readonly string[];
}

/** Part of a service that its instances decide. */
export interface TranslatedInstances {
  /** Ports by which clients call them; empty if there is no instance. */
  readonly ports: readonly ServicePort[];
  readonly endpoints: readonly Endpoint[];
  /** Providers of Dubbo, to which its rules apply; null for other services. */
  readonly dubbo: {
    readonly providers: readonly Provider[];
    /** Completes endpoints of these providers, in their order, by what Nacos says of the instances. */
    readonly complete: (endpoints: readonly Endpoint[]) => readonly Endpoint[];
  } | null;
  /** Reasons why instances are left out, for people. */
  readonly faults: readonly string[];
}

/** Label of an endpoint with the cluster of Nacos that it belongs to. */
export const clusterLabel = 'nacos.cluster';

/** Converts the instances of a service. */
export function translateListed(instances: readonly NacosInstance[], options: TranslateOptions): TranslatedInstances {
  const faults: string[] = [];
  const listed = instances.flatMap((instance) => {
    if (!isListed(instance, options)) return [];
    const protocol = instance.metadata[options.keys.protocol] || options.defaultProtocol;
    const port = portFor(protocol, options.ports);
    if (port !== null) return [{ instance, port }];
    faults.push(`instance ${instance.ip}:${instance.port} has the unknown protocol '${protocol}'; it is left out`);
    return [];
  });
  const weights = integerWeights(listed.map(({ instance }) => instance.weight));
  const endpoints = listed.flatMap(({ instance, port }, index) =>
    atEachAddress(toEndpoint(instance, { port, weight: weights[index] ?? 1, ...options }), options),
  );
  return { ports: distinctPorts(listed.map(({ port }) => port)), endpoints, dubbo: null, faults };
}

/** Skips what is no endpoint, silently: consumers register with port 0, and a disabled instance is out of service. */
export const isListed = (
  { port, enabled, clusterName }: NacosInstance,
  { clusters }: Pick<TranslateOptions, 'clusters'>,
): boolean => port !== 0 && enabled && (clusters === null || clusters.has(clusterName));

/** Repeats an endpoint at a host name for each address of that name. */
export const atEachAddress = (
  endpoint: Endpoint,
  { addressesOf }: Pick<TranslateOptions, 'addressesOf'>,
): readonly Endpoint[] =>
  ipVersion(endpoint.address) !== 0
    ? [endpoint]
    : addressesOf(endpoint.address).map((address) => ({ ...endpoint, address }));

/** Returns ports sorted by name, each once. */
export function distinctPorts(ports: readonly ServicePort[]): readonly ServicePort[] {
  const byName = new Map(ports.map((port) => [port.name, port]));
  return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Returns the id of an instance, as Nacos shows it. */
export const instanceId = ({ ip, port, clusterName }: NacosInstance): string => `${ip}#${port}#${clusterName}`;

interface EndpointParts extends Pick<TranslateOptions, 'keys' | 'place'> {
  readonly port: ServicePort;
  readonly weight: number;
}

function toEndpoint(instance: NacosInstance, { port, weight, keys, place }: EndpointParts): Endpoint {
  const { ip, port: number, weight: given, healthy, clusterName, metadata } = instance;
  const sidecar = sidecarPort(metadata[keys.sidecarPort]);
  const version = metadata[keys.version];
  const locality = [metadata[keys.region], metadata[keys.zone], metadata[keys.subzone]].map((part) => part ?? '');
  return {
    address: ip,
    ports: { [port.name]: sidecar ?? number },
    labels: { ...metadata, ...(version === undefined ? {} : { version }), [clusterLabel]: clusterName },
    weight,
    locality: locality[0] === '' ? '' : locality.join('/').replace(/\/+$/, ''),
    network: '',
    cluster: '',
    health: healthy && given > 0 ? 'healthy' : 'unhealthy',
    workload: null,
    origin: { place, instance: instanceId(instance), ...(sidecar === null ? {} : { ownPort: number }) },
  };
}

function sidecarPort(text: string | undefined): number | null {
  const port = Number(text ?? '');
  return Number.isInteger(port) && port >= 1 && port <= 65_535 ? port : null;
}
