import { ipVersion } from '../../src/lib/ip.ts';
import type { Endpoint, EndpointSet, Health, Workload } from '../../src/model/endpoint.ts';
import { type Hostname, hostname } from '../../src/model/names.ts';
import type { RawObject } from '../../src/model/object.ts';
import { distinctPortNames, type Protocol, type Service, type ServicePort } from '../../src/model/service.ts';
import type { PodBody, ServiceBody, SliceBody, SliceEndpoint } from './schema.ts';

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

/** Objects from which a Service's endpoints are computed. */
export interface ServiceParts {
  readonly service: Read<ServiceBody>;
  /** EndpointSlices in any order. */
  readonly slices: readonly Read<SliceBody>[];
  /** Returns the Pod of an endpoint, if it is known. */
  readonly podOf: (endpoint: SliceEndpoint, namespace: string) => Workload | undefined;
  /** Returns `region/zone` of a node; empty if unknown. */
  readonly localityOf: (nodeName: string) => string;
}

/** Builds the hostname of a Service: `reviews.default.svc.cluster.local`. */
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
    ports: isAlias ? [] : supportedPorts(body).map(translatePort),
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

/** Returns the addresses. A Service without one (in a file) is called by name; it is not headless. */
const addressesOf = ({ spec }: ServiceBody): readonly string[] =>
  (spec.clusterIPs ?? [spec.clusterIP ?? '']).filter((address) => ipVersion(address) !== 0);

const listed = (text: string | undefined): readonly string[] =>
  (text ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

/** Drops SCTP ports, which no proxy supports. */
const supportedPorts = ({ spec }: ServiceBody): readonly BodyPort[] =>
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

/** Builds the endpoints of a Service from its slices. An ExternalName has none, because it is an alias. */
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
  if (body.addressType === 'FQDN') return []; // deprecated; Kubernetes never writes it
  const ports = Object.fromEntries([
    ...portsByNumber(parts.service.body),
    ...(body.ports ?? []).flatMap(({ name, port }) => (port ? [[name ?? '', port] as const] : [])).reverse(), // the first applies
  ]);
  return (body.endpoints ?? []).flatMap((endpoint) => {
    const [address] = endpoint.addresses; // the other addresses are interchangeable
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
 * Returns the ports of a file's Service whose name repeats an earlier one. Slices cannot refer to them by name, so
 * endpoints use the port numbers of the Service.
 */
function portsByNumber(body: ServiceBody): readonly (readonly [name: string, port: number])[] {
  const ports = supportedPorts(body);
  const names = distinctPortNames(ports.map(({ name, port }) => ({ name: name ?? '', number: port })));
  return ports.flatMap(({ name, port, targetPort }, index) => {
    const distinct = names[index] ?? '';
    return distinct === (name ?? '') ? [] : [[distinct, typeof targetPort === 'number' ? targetPort : port] as const];
  });
}

/** Returns the locality of an endpoint. A slice has only the zone; the node has the region, too. */
function endpointLocality({ nodeName, zone }: SliceEndpoint, { localityOf }: ServiceParts): string {
  return (nodeName ? localityOf(nodeName) : '') || (zone ? `/${zone}` : '');
}

/**
 * Returns the health of an endpoint. Without conditions it is ready, as the API defines. A ready endpoint that is
 * terminating belongs to a Service with `publishNotReadyAddresses` and is called.
 */
function healthOf({ conditions }: SliceEndpoint): Health {
  if (conditions?.ready ?? true) return 'healthy';
  return conditions?.terminating === true && conditions.serving === true ? 'draining' : 'unhealthy';
}

/** Converts a Pod to a workload; null if it has ended or has no address. */
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

/** Returns `region/zone/subzone` of a Node, from the labels of Kubernetes and Istio. */
export function nodeLocality({ labels }: Metadata): string {
  const region = labels['topology.kubernetes.io/region'] ?? '';
  const zone = labels['topology.kubernetes.io/zone'] ?? '';
  const subzone = labels['topology.istio.io/subzone'] ?? '';
  return [region, zone, subzone].join('/').replace(/\/+$/, '');
}
