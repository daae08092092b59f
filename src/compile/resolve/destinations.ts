import { isSocketAddress } from '../../model/endpoint.ts';
import { isWildcard, serviceKey } from '../../model/names.ts';
import { isHttp, type Service, type ServicePort } from '../../model/service.ts';
import {
  type DestinationEndpoints,
  type DestinationPlan,
  type DnsTarget,
  type LoadBalancing,
  outboundName,
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
  const mesh = reader.mesh();
  return {
    name,
    endpoints: resolveEndpoints(query, name, loadBalancing),
    protocol: resolveProtocol(protocolOf(port), isHttp(port.protocol), policy.connectionPool, mesh),
    loadBalancing,
    limits: resolveLimits(policy, mesh),
    outlier: resolveOutlier(policy.outlierDetection),
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

export const speaksHttp2 = ({ protocol }: ServicePort): boolean => isHttp(protocol) && protocol !== 'http';

function resolveEndpoints(query: PortQuery, name: string, loadBalancing: LoadBalancing): DestinationEndpoints {
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
      return {
        type: 'assigned',
        assignment: { name, service: key, portName: port.name, labels, form: client.assignmentForm },
      };
    }
    default: {
      const targets = dnsTargets(query);
      // LOGICAL_DNS needs exactly one name. Without a name, STRICT_DNS represents "no endpoints".
      const all = service.resolution === 'dns' || targets.length === 0;
      return { type: 'dns', all, families: reachableFamilies(reader), targets };
    }
  }
}

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
function dnsTargets({ reader, service, port, subset }: PortQuery): readonly DnsTarget[] {
  const labels = Object.entries(subset?.labels ?? {});
  const all = reader.endpoints(service).filter(({ address }) => !isSocketAddress(address)); // these have no name
  const targets = all
    .filter((it) => labels.every(([name, value]) => it.labels[name] === value))
    .flatMap(({ address, ports, weight, locality }) => {
      const number = ports[port.name];
      return number === undefined ? [] : [{ address, port: number, weight: Math.max(1, Math.round(weight)), locality }];
    })
    .sort(
      (a, b) =>
        compare(a.address, b.address) || a.port - b.port || a.weight - b.weight || compare(a.locality, b.locality),
    );
  if (all.length > 0 || isWildcard(service.hostname)) {
    return service.resolution === 'dns-round-robin' ? targets.slice(0, 1) : targets;
  }
  return [{ address: service.hostname, port: port.number, weight: 1, locality: '' }];
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
