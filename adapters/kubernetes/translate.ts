import { ipVersion } from '../../src/lib/ip.ts';
import type { Endpoint, EndpointSet, Health, Workload } from '../../src/model/endpoint.ts';
import { type Hostname, hostname } from '../../src/model/names.ts';
import type { RawObject } from '../../src/model/object.ts';
import { distinctPortNames, type Protocol, type Service, type ServicePort } from '../../src/model/service.ts';
import type { PodBody, ServiceBody, SliceBody, SliceEndpoint } from './schema.ts';

type Metadata = RawObject['metadata'];

/** What is the same for all objects of one cluster. */
export interface ClusterFacts {
  /** `cluster.local`. */
  readonly domainSuffix: string;
  readonly cluster: string;
  readonly network: string;
}

/** An object of which the parts that are read have been checked. */
export interface Read<Body> {
  readonly metadata: Metadata;
  readonly body: Body;
}

/** What a Service's endpoints are put together from. */
export interface ServiceParts {
  readonly service: Read<ServiceBody>;
  /** Its EndpointSlices, in any order. */
  readonly slices: readonly Read<SliceBody>[];
  /** The Pod behind an endpoint, if it is known. */
  readonly podOf: (endpoint: SliceEndpoint, namespace: string) => Workload | undefined;
  /** `region/zone` of a node; empty when unknown. */
  readonly localityOf: (nodeName: string) => string;
}

/** `reviews.default.svc.cluster.local`. */
export const serviceHostname = ({ name, namespace }: Metadata, { domainSuffix }: ClusterFacts): Hostname =>
  hostname(`${name}.${namespace}.svc.${domainSuffix}`);

export function translateService({ metadata, body }: Read<ServiceBody>, cluster: ClusterFacts): Service {
  const { spec } = body;
  const isAlias = spec.type === 'ExternalName';
  return {
    hostname: serviceHostname(metadata, cluster),
    namespace: metadata.namespace,
    name: metadata.name,
    registry: 'kubernetes',
    createdAtMs: Date.parse(metadata.creationTimestamp),
    ports: isAlias ? [] : spokenPorts(body).map(translatePort),
    vips: isAlias ? [] : addressesOf(body),
    aliases: [],
    aliasOf: isAlias ? hostname((spec.externalName ?? '').replace(/\.$/, '')) : null,
    resolution: 'static',
    headless: spec.clusterIP === 'None',
    exportTo: listed(metadata.annotations['networking.istio.io/exportTo']),
    external: isAlias,
    labels: metadata.labels,
  };
}

/** A Service written without an address (in a file) is called by name; that is not the same as headless. */
const addressesOf = ({ spec }: ServiceBody): readonly string[] =>
  (spec.clusterIPs ?? [spec.clusterIP ?? '']).filter((address) => ipVersion(address) !== 0);

const listed = (text: string | undefined): readonly string[] =>
  (text ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

/** No proxy speaks SCTP. */
const spokenPorts = ({ spec }: ServiceBody): readonly BodyPort[] =>
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

/** appProtocol, then the prefix of the port's name: https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/ */
function protocolOf({ protocol, appProtocol, name }: BodyPort): Protocol {
  if (protocol === 'UDP') return 'udp';
  const told = knownProtocol(appProtocol);
  if (told !== undefined) return told;
  const prefix = name?.toLowerCase() ?? '';
  return prefix.startsWith('grpc-web') ? 'grpc-web' : (knownProtocol(prefix.split('-')[0]) ?? 'unknown');
}

function knownProtocol(text: string | null | undefined): Protocol | undefined {
  const name = text?.toLowerCase() ?? '';
  return Object.hasOwn(appProtocols, name) ? appProtocols[name] : undefined;
}

/** The endpoints of a Service: those of its slices. An ExternalName has none: it is another name of something else. */
export function translateEndpoints(parts: ServiceParts, cluster: ClusterFacts): EndpointSet {
  const { service, slices } = parts;
  const { metadata } = service;
  const { spec } = service.body;
  return {
    namespace: metadata.namespace,
    hostname: serviceHostname(metadata, cluster),
    endpoints: spec.type === 'ExternalName' ? [] : slices.flatMap((slice) => sliceEndpoints(slice, parts, cluster)),
  };
}

function sliceEndpoints(slice: Read<SliceBody>, parts: ServiceParts, facts: ClusterFacts): readonly Endpoint[] {
  const { body, metadata } = slice;
  if (body.addressType === 'FQDN') return []; // deprecated, and never written by Kubernetes itself
  const ports = Object.fromEntries([
    ...portsByNumber(parts.service.body),
    ...(body.ports ?? []).flatMap(({ name, port }) => (port ? [[name ?? '', port] as const] : [])).reverse(), // the first of a name counts
  ]);
  return (body.endpoints ?? []).flatMap((endpoint) => {
    const [address] = endpoint.addresses; // the others are the same endpoint's, and fungible
    if (address === undefined) return [];
    const pod = parts.podOf(endpoint, metadata.namespace);
    const name = endpoint.targetRef?.name ?? pod?.name;
    return {
      address,
      ports,
      labels: pod?.labels ?? {},
      weight: 1,
      locality: pod?.locality || endpointLocality(endpoint, parts),
      network: pod?.network || facts.network,
      cluster: facts.cluster,
      health: healthOf(endpoint),
      workload: name ? { namespace: endpoint.targetRef?.namespace ?? metadata.namespace, name } : null,
    };
  });
}

/**
 * Ports of a Service in a file that have the name of an earlier one: no slice can mean them by it, so the endpoints have
 * them where the Service says.
 */
function portsByNumber(body: ServiceBody): readonly (readonly [name: string, port: number])[] {
  const ports = spokenPorts(body);
  const names = distinctPortNames(ports.map(({ name, port }) => ({ name: name ?? '', number: port })));
  return ports.flatMap(({ name, port, targetPort }, index) => {
    const distinct = names[index] ?? '';
    return distinct === (name ?? '') ? [] : [[distinct, typeof targetPort === 'number' ? targetPort : port] as const];
  });
}

/** A slice knows the zone only; the node knows the region too. */
function endpointLocality({ nodeName, zone }: SliceEndpoint, { localityOf }: ServiceParts): string {
  return (nodeName ? localityOf(nodeName) : '') || (zone ? `/${zone}` : '');
}

/**
 * An endpoint without conditions is ready, as the API says. One that is ready while it ends belongs to a Service with
 * `publishNotReadyAddresses`, which wants it called.
 */
function healthOf({ conditions }: SliceEndpoint): Health {
  if (conditions?.ready ?? true) return 'healthy';
  return conditions?.terminating === true && conditions.serving === true ? 'draining' : 'unhealthy';
}

/** The workload of a Pod; null once it has ended or while it has no address. */
export function translatePod(
  { metadata, body }: Read<PodBody>,
  locality: string,
  { cluster, network }: ClusterFacts,
): Workload | null {
  const { phase, podIP, podIPs, conditions } = body.status;
  const addresses = podIPs?.map(({ ip }) => ip) ?? (podIP ? [podIP] : []);
  if (phase === 'Succeeded' || phase === 'Failed' || addresses.length === 0) return null;
  const ready = conditions?.find(({ type }) => type === 'Ready');
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    addresses,
    labels: metadata.labels,
    locality: metadata.labels['istio-locality']?.replaceAll('.', '/') ?? locality,
    network: metadata.labels['topology.istio.io/network'] ?? network,
    cluster,
    health: ready === undefined || ready.status === 'True' ? 'healthy' : 'unhealthy',
  };
}

/** `region/zone/subzone` of a Node, from the labels that Kubernetes and Istio define. */
export function nodeLocality({ labels }: Metadata): string {
  const region = labels['topology.kubernetes.io/region'] ?? '';
  const zone = labels['topology.kubernetes.io/zone'] ?? '';
  const subzone = labels['topology.istio.io/subzone'] ?? '';
  return [region, zone, subzone].join('/').replace(/\/+$/, '');
}
