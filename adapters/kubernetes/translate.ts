import { ipVersion } from '../../src/lib/ip.ts';
import type { Workload } from '../../src/model/endpoint.ts';
import { type Hostname, hostname } from '../../src/model/names.ts';
import type { RawObject } from '../../src/model/object.ts';
import { distinctPortNames, type Protocol, type Service, type ServicePort } from '../../src/model/service.ts';
import type { PodBody, ServiceBody } from './schema.ts';

type Metadata = RawObject['metadata'];

/** Facts of the cluster, equal for all its objects. */
export interface ClusterFacts {
  /** Last part of hostnames, `cluster.local` by default. */
  readonly domainSuffix: string;
  readonly cluster: string;
  readonly network: string;
}

/** Object whose read parts have been checked. */
export interface Read<Body> {
  readonly metadata: Metadata;
  readonly body: Body;
}

/** Builds the hostname of a Service: `reviews.default.svc.cluster.local`. */
export const serviceHostname = ({ name, namespace }: Metadata, { domainSuffix }: ClusterFacts): Hostname =>
  hostname(`${name}.${namespace}.svc.${domainSuffix}`);

export function translateService({ metadata, body }: Read<ServiceBody>, cluster: ClusterFacts): Service {
  const { spec } = body;
  const isAlias = spec.type === 'ExternalName';
  const near = nearOf(spec.trafficDistribution ?? metadata.annotations['networking.istio.io/traffic-distribution']);
  return {
    hostname: serviceHostname(metadata, cluster),
    namespace: metadata.namespace,
    name: metadata.name,
    registry: 'kubernetes',
    createdAtMs: Date.parse(metadata.creationTimestamp),
    ports: isAlias ? [] : supportedPorts(body).map(translatePort),
    vips: isAlias ? [] : addressesOf(body),
    aliases: [],
    aliasOf: isAlias ? hostname((spec.externalName ?? '').replace(/\.$/, '')) : null,
    resolution: 'static',
    headless: spec.clusterIP === 'None',
    exportTo: listed(metadata.annotations['networking.istio.io/exportTo']),
    ...(near === undefined ? {} : { prefersNear: near }),
    external: isAlias,
    labels: metadata.labels,
    ...selectorOf(body),
  };
}

function selectorOf(body: ServiceBody): Pick<Service, 'selector'> {
  const labels = body.spec.selector ?? {};
  if (body.spec.type === 'ExternalName' || Object.keys(labels).length === 0) return {};
  const ports = supportedPorts(body);
  const names = distinctPortNames(ports.map(translatePort));
  const targetPorts = ports.map(({ port, targetPort }, index) => [names[index] ?? '', targetPort ?? port] as const);
  return { selector: { labels, targetPorts: Object.fromEntries(targetPorts) } };
}

/** Returns the preference of a Service's `trafficDistribution`. Unknown values have no effect. */
function nearOf(distribution: string | undefined): Service['prefersNear'] {
  if (distribution === 'PreferSameNode') return 'node';
  return distribution === 'PreferClose' || distribution === 'PreferSameZone' ? 'zone' : undefined;
}

/** Returns the addresses. A Service without one (in a file) is called by name; it is not headless. */
const addressesOf = ({ spec }: ServiceBody): readonly string[] =>
  (spec.clusterIPs ?? [spec.clusterIP ?? '']).filter((address) => ipVersion(address) !== 0);

const exportTargets = /^(\*|\.|~|[a-z0-9]([-a-z0-9]*[a-z0-9])?)$/;

/** Returns what is wrong with the annotations of a Service, or null. A wrong namespace sees nothing; the rest applies. */
export function annotationFault({ annotations }: Metadata): string | null {
  const name = 'networking.istio.io/exportTo';
  const wrong = listed(annotations[name]).filter((target) => !exportTargets.test(target));
  if (wrong.length === 0) return null;
  return `metadata.annotations[${name}]: ${wrong.map((target) => `'${target}'`).join(', ')} is no namespace, '.', '~' or '*'; it has no effect`;
}

const listed = (text: string | undefined): readonly string[] =>
  (text ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

/** Drops SCTP ports, which no proxy supports. */
export const supportedPorts = ({ spec }: ServiceBody): readonly BodyPort[] =>
  (spec.ports ?? []).filter(({ protocol }) => protocol !== 'SCTP');

type BodyPort = NonNullable<ServiceBody['spec']['ports']>[number];

const translatePort = (port: BodyPort): ServicePort => ({
  name: port.name ?? '',
  number: port.port,
  protocol: protocolOf(port),
});

const appProtocols: Readonly<Record<string, Protocol>> = {
  http: 'http',
  http2: 'http2',
  'kubernetes.io/h2c': 'http2',
  'kubernetes.io/ws': 'http',
  'kubernetes.io/wss': 'tls',
  grpc: 'grpc',
  'grpc-web': 'grpc-web',
  https: 'https',
  tls: 'tls',
  tcp: 'tcp',
  mongo: 'tcp',
  mysql: 'tcp',
  redis: 'tcp',
};

/**
 * Returns the protocol by appProtocol or the prefix of the port's name:
 * https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/
 */
function protocolOf({ protocol, appProtocol, name }: BodyPort): Protocol {
  if (protocol === 'UDP') return 'udp';
  const declared = knownProtocol(appProtocol);
  if (declared !== undefined) return declared;
  const prefix = name?.toLowerCase() ?? '';
  return prefix.startsWith('grpc-web') ? 'grpc-web' : (knownProtocol(prefix.split('-')[0]) ?? 'unknown');
}

function knownProtocol(text: string | null | undefined): Protocol | undefined {
  const name = text?.toLowerCase() ?? '';
  return Object.hasOwn(appProtocols, name) ? appProtocols[name] : undefined;
}

/** Pod as endpoints and selectors see it. */
export interface TranslatedPod extends Workload {
  /** Empty in files. */
  readonly uid: string;
  /** True if all its containers are ready and it is not being deleted. */
  readonly isReady: boolean;
  /** True if its containers have ended for good: its addresses may belong to others. */
  readonly hasEnded: boolean;
  readonly isOnHostNetwork: boolean;
  readonly createdAtMs: number;
  readonly node: string;
}

/** Converts a Pod. Without an address or after its end it is no workload. */
export function translatePod(
  { metadata, body }: Read<PodBody>,
  locality: string,
  { cluster, network }: ClusterFacts,
): TranslatedPod {
  const { phase, podIP, podIPs, conditions } = body.status;
  const { uid, deletionTimestamp } = body.metadata;
  const ready = conditions?.find(({ type }) => type === 'Ready');
  const health = ready === undefined || ready.status === 'True' ? 'healthy' : 'unhealthy';
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    addresses: podIPs?.map(({ ip }) => ip) ?? (podIP ? [podIP] : []),
    labels: metadata.labels,
    locality: podLocality(metadata.labels, locality),
    network: metadata.labels['topology.istio.io/network'] ?? network,
    cluster,
    health,
    uid: uid ?? '',
    isReady: health === 'healthy' && !deletionTimestamp,
    hasEnded: phase === 'Succeeded' || phase === 'Failed',
    isOnHostNetwork: body.spec.hostNetwork === true,
    createdAtMs: Date.parse(metadata.creationTimestamp),
    node: body.spec.nodeName ?? '',
  };
}

/** Returns the locality of a Pod: that of its label, else that of its Node. */
export const podLocality = (labels: Workload['labels'], nodeLocality: string): string =>
  labels['istio-locality']?.replaceAll('.', '/') ?? nodeLocality;

/** Returns the workload of a Pod; null if it has ended or has no address. */
export function podWorkload(pod: TranslatedPod): Workload | null {
  if (pod.hasEnded || pod.addresses.length === 0) return null;
  const { namespace, name, addresses, labels, locality, network, cluster, health } = pod;
  return { namespace, name, addresses, labels, locality, network, cluster, health };
}

/** Returns `region/zone/subzone` of a Node, from the labels of Kubernetes and Istio. */
export function nodeLocality({ labels }: Metadata): string {
  const region = labels['topology.kubernetes.io/region'] ?? '';
  const zone = labels['topology.kubernetes.io/zone'] ?? '';
  const subzone = labels['topology.istio.io/subzone'] ?? '';
  return [region, zone, subzone].join('/').replace(/\/+$/, '');
}
