import { contentHash } from '../../lib/hash.ts';
import type { RawObject } from '../../model/object.ts';
import { isHttp, type ServicePort } from '../../model/service.ts';
import { callerLabels, isOfCaller, toHttpMatches } from './call-match.ts';
import { type Leaf, nobody, type Target, targetId } from './routing.ts';

export interface RoutedService {
  readonly namespace: string;
  readonly hostname: string;
  readonly interfaceName: string;
  readonly ports: readonly ServicePort[];
  /** Nodes and dataIds of the rules, for people. */
  readonly origin: string;
}

/** Prefix of the labels of endpoints by which subsets select. */
export const routeLabel = (filterId: string): string => `dubbo.route/${filterId}`;

/** Creation time of these objects, so that rules of administrators come before them. */
const afterAllOthers = '9999-12-31T23:59:59Z';

/** Longest name of a subset. */
const maxName = 63;

/** Builds the objects of a service's routes: none if all calls may reach all instances, without a timeout. */
export function routingObjects(service: RoutedService, leaves: readonly Leaf[]): readonly RawObject[] {
  if (leaves.every(({ targets, timeoutMs }) => timeoutMs === null && targets.every((one) => targetId(one) === '')))
    return [];
  const { hostname, ports } = service;
  const http = ports.some(({ protocol }) => isHttp(protocol)) ? httpRoutes(service, leaves) : [];
  const tcp = ports.some(({ protocol }) => !isHttp(protocol)) ? tcpRoutes(hostname, leaves) : [];
  const layers = { ...(http.length > 0 ? { http } : {}), ...(tcp.length > 0 ? { tcp } : {}) };
  const subsets = new Map(leaves.flatMap(({ targets }) => targets.map((one) => [subsetOf(one), one] as const)));
  subsets.delete('');
  return [
    ...(Object.keys(layers).length === 0
      ? []
      : [toObject(service, 'VirtualService', { hosts: [hostname], ...layers })]),
    ...(subsets.size === 0
      ? []
      : [
          toObject(service, 'DestinationRule', {
            host: hostname,
            subsets: [...subsets]
              .sort(([a], [b]) => (a < b ? -1 : 1))
              .map(([name, target]) => ({ name, labels: labelsOfTarget(target) })),
          }),
        ]),
  ];
}

function httpRoutes({ hostname, interfaceName }: RoutedService, leaves: readonly Leaf[]): readonly object[] {
  return leaves.map(({ matches, targets, timeoutMs }) => {
    const match = matches.flatMap((one) => toHttpMatches(one, interfaceName) ?? []);
    const isConditional = match.every((one) => Object.keys(one).length > 0);
    return {
      ...(isConditional ? { match } : {}),
      route: destinationsOf(hostname, targets),
      ...(timeoutMs === null ? {} : { timeout: `${timeoutMs}ms` }),
    };
  });
}

/** Returns routes of connections, which only the caller decides: up to the first one for all callers. */
function tcpRoutes(hostname: string, leaves: readonly Leaf[]): readonly object[] {
  const routes: { match?: object; route: readonly object[] }[] = [];
  for (const { matches, targets } of leaves) {
    const labels = matches.filter(isOfCaller).map(callerLabels);
    if (labels.length === 0) continue;
    const route = destinationsOf(hostname, targets);
    const isForAll = labels.some((one) => Object.keys(one).length === 0);
    routes.push(isForAll ? { route } : { match: labels.map((sourceLabels) => ({ sourceLabels })), route });
    if (isForAll) break;
  }
  const isPlain = routes.every(
    ({ route }) => JSON.stringify(route) === JSON.stringify([{ destination: { host: hostname } }]),
  );
  return isPlain ? [] : routes;
}

const destinationsOf = (host: string, targets: readonly Target[]): readonly object[] =>
  targets.map((target) => {
    const subset = subsetOf(target);
    return {
      destination: { host, ...(subset === '' ? {} : { subset }) },
      ...(targets.length > 1 ? { weight: target.weight } : {}),
    };
  });

function labelsOfTarget(target: Target): Readonly<Record<string, string>> {
  const ids = targetId(target) === nobody.id ? [nobody.id] : target.filters.map(({ id }) => id);
  return Object.fromEntries(ids.sort().map((id) => [routeLabel(id), 'true']));
}

function subsetOf(target: Target): string {
  const id = targetId(target);
  if (id === '') return '';
  return id.length <= maxName - 6 ? `dubbo-${id}` : `dubbo-${shortId(id)}`;
}

/** Returns a short name of some content: lower-case letters and digits. */
export const shortId = (content: string): string =>
  contentHash(content)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '0')
    .slice(0, 10);

function toObject({ namespace, hostname, origin }: RoutedService, kind: string, spec: object): RawObject {
  const readable = hostname
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 200);
  return {
    apiVersion: 'networking.istio.io/v1',
    kind,
    metadata: {
      name: `dubbo-${readable}-${shortId(hostname)}`,
      namespace,
      labels: {},
      annotations: {},
      creationTimestamp: afterAllOthers,
    },
    spec,
    origin,
  };
}
