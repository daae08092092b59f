import { isCallable, isSocketAddress } from '../../model/endpoint.ts';
import { isWildcard, serviceKey } from '../../model/names.ts';
import { isHttp, type Service, type ServicePort } from '../../model/service.ts';
import {
  type DestinationEndpoints,
  type DestinationPlan,
  type DnsTarget,
  type LoadBalancing,
  type LocalityPlan,
  type OutlierPlan,
  outboundName,
  type PlacedEndpoint,
  type UpstreamProtocol,
} from '../../plan/destination.ts';
import type { PlanProblem } from '../../plan/unit.ts';
import type { PortPolicy } from '../../rules/kinds/destination-rule/policy-schema.ts';
import {
  type MergedDestinationRule,
  mergeDestinationRules,
  portPolicy,
} from '../../rules/kinds/destination-rule/resolve.ts';
import { resolveLoadBalancing, resolveOutlier } from '../../rules/kinds/destination-rule/resolve-balancing.ts';
import { resolveLimits, resolveProtocol } from '../../rules/kinds/destination-rule/resolve-connections.ts';
import { resolveLocality, weighsLocalities } from '../../rules/kinds/destination-rule/resolve-locality.ts';
import { resolveTls } from '../../rules/kinds/destination-rule/resolve-tls.ts';
import type { SubsetSpec } from '../../rules/kinds/destination-rule/schema.ts';
import type { HostReader } from './host-reader.ts';

/** Resolves the destinations of a service: one per port (without UDP), and one per port and subset. */
export function resolveDestinations(
  reader: HostReader,
  service: Service,
  problems: PlanProblem[],
): readonly DestinationPlan[] {
  const found = reader.destinationRule(service);
  const rule = found ?? noRule;
  problems.push(...rule.problems);
  const origins = [serviceOrigin(service), ...rule.origins];
  return service.ports
    .filter(({ protocol }) => protocol !== 'udp')
    .flatMap((port) =>
      [null, ...rule.subsets].map((subset) => resolveDestination({ reader, service, port, rule, subset, origins })),
    );
}

/** Returns the origin of a service. */
export const serviceOrigin = (service: Service): string => `service/${service.namespace}/${service.hostname}`;

const noRule = mergeDestinationRules([]);

interface PortQuery {
  readonly reader: HostReader;
  readonly service: Service;
  readonly port: ServicePort;
  readonly rule: MergedDestinationRule;
  readonly subset: SubsetSpec | null;
  readonly origins: readonly string[];
}

function resolveDestination(query: PortQuery): DestinationPlan {
  const { reader, service, port, rule, subset, origins } = query;
  const policy = portPolicy(rule, subset, port.number);
  const name = outboundName(port.number, subset?.name ?? '', service.hostname);
  const loadBalancing = resolveLoadBalancing(policy.loadBalancer);
  const outlier = resolveOutlier(policy.outlierDetection);
  const mesh = reader.mesh();
  const locality = resolveLocality(policy, service, mesh);
  return {
    name,
    endpoints: resolveEndpoints({ ...query, outlier, locality }, name, loadBalancing),
    protocol: resolveProtocol(protocolOf(port), isHttp(port.protocol), policy.connectionPool, mesh),
    loadBalancing,
    limits: resolveLimits(policy, mesh),
    outlier,
    weighsLocalities: weighsLocalities(locality),
    tls: resolveTls(policy.tls, service.subjectAltNames),
    proxyProtocol: policy.proxyProtocol === undefined ? null : (policy.proxyProtocol.version ?? 'V1'),
    origins,
  };
}

/** Returns the policy of one port of a service, or of its subset. Without a rule, it is empty. */
export function policyOf(reader: HostReader, service: Service, port: number, subsetName = ''): PortPolicy {
  const rule = reader.destinationRule(service);
  if (rule === null) return {};
  return portPolicy(rule, rule.subsets.find(({ name }) => name === subsetName) ?? null, port);
}

function protocolOf(port: ServicePort): UpstreamProtocol {
  if (speaksHttp2(port)) return 'http2';
  return port.protocol === 'unknown' ? 'client' : 'http1';
}

export const speaksHttp2 = ({ protocol }: Pick<ServicePort, 'protocol'>): boolean =>
  isHttp(protocol) && protocol !== 'http';

interface EndpointsQuery extends PortQuery {
  readonly outlier: OutlierPlan | null;
  readonly locality: LocalityPlan | null;
}

function resolveEndpoints(query: EndpointsQuery, name: string, loadBalancing: LoadBalancing): DestinationEndpoints {
  const { reader, service, port, subset } = query;
  const { client } = reader;
  // Without a proxy, the called address is unknown.
  const keepsDestination = loadBalancing.type === 'passthrough' && client.isProxy;
  if (keepsDestination || isChosenByClient(reader, service, subset)) {
    return { type: 'original-destination', port: null };
  }
  switch (service.resolution) {
    case 'passthrough':
      return { type: 'original-destination', port: port.passthroughPort ?? null };
    case 'dynamic-dns':
      return { type: 'dynamic-dns', families: reachableFamilies(reader) };
    case 'static': {
      const key = serviceKey(service.namespace, service.hostname);
      const labels = subset?.labels ?? {};
      const form = client.assignmentForm;
      const listsUnhealthy = canListUnhealthy(query);
      const { locality } = query;
      return {
        type: 'assigned',
        assignment: { name, service: key, portName: port.name, labels, form, listsUnhealthy, locality },
      };
    }
    default: {
      const targets = dnsTargets(query);
      const localities = new Set(targets.map(({ locality }) => locality));
      // LOGICAL_DNS needs exactly one name. Without a name, STRICT_DNS represents "no endpoints".
      const all = service.resolution === 'dns' || targets.length === 0;
      const families = reachableFamilies(reader);
      return { type: 'dns', all, families, targets, locality: localities.size > 1 ? query.locality : null };
    }
  }
}

/**
 * Returns true if clients never call unhealthy endpoints. With a minimum of healthy endpoints, they call all of them
 * below it, and unhealthy ones must be omitted.
 */
const canListUnhealthy = ({ reader, outlier }: EndpointsQuery): boolean =>
  reader.client.knowsHealth && !outlier?.minHealthPercent;

/**
 * Returns true if clients choose the endpoint. Captured clients of a headless service connect to the address of one
 * endpoint, such as the first of a StatefulSet. Another endpoint would be wrong. A subset is chosen by a route and load
 * balanced.
 */
const isChosenByClient = ({ facts }: HostReader, service: Service, subset: SubsetSpec | null): boolean =>
  service.headless && subset === null && facts.role === 'sidecar' && facts.interception !== 'none';

/** Returns the families that a captured workload can reach. Those of others are unknown. */
export const reachableFamilies = ({ facts }: HostReader) => (facts.interception === 'none' ? 'any' : facts.families);

/**
 * Returns the names to look up: those of the endpoints, or the service's own if it has no endpoints. Sorted, for stable
 * bytes.
 */
function dnsTargets(query: EndpointsQuery): readonly DnsTarget[] {
  const { reader, service, port, subset } = query;
  const labels = Object.entries(subset?.labels ?? {});
  const all = reader.endpoints(service).filter(({ address }) => !isSocketAddress(address)); // these have no name
  if (all.length === 0 && !isWildcard(service.hostname)) {
    const { hostname: address } = service;
    return [{ ...unplaced, address, port: port.number, isHealthy: true }];
  }
  const targets = all
    .filter((it) => isCallable(it) || canListUnhealthy(query))
    .filter((it) => labels.every(([name, value]) => it.labels[name] === value))
    .flatMap((it) => {
      const number = it.ports[port.name];
      if (number === undefined) return [];
      const { address, weight, locality, network, cluster } = it;
      return [
        {
          ...{ address, weight, locality, network, cluster },
          labels: it.labels,
          port: number,
          isHealthy: isCallable(it),
        },
      ];
    })
    .sort(compareTargets);
  if (service.resolution !== 'dns-round-robin') return targets;
  return [targets.find(({ isHealthy }) => isHealthy) ?? targets[0]].filter((it) => it !== undefined);
}

const unplaced: PlacedEndpoint = { weight: 1, locality: '', labels: {}, network: '', cluster: '' };

const compareTargets = (a: DnsTarget, b: DnsTarget): number =>
  compare(a.address, b.address) ||
  a.port - b.port ||
  a.weight - b.weight ||
  compare(a.locality, b.locality) ||
  Number(b.isHealthy) - Number(a.isHealthy);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
