import { anywhere, type ClientPlace, type LocalityPlan, type PlacedEndpoint } from '../../plan/destination.ts';

/** Returns the weight for Envoy, which has 32 bits, rejects 0 and needs whole numbers. */
export const weightOf = ({ weight }: PlacedEndpoint): number => Math.min(Math.max(1, Math.round(weight)), maxWeight);

export const maxWeight = 0xffff_ffff;

/** Endpoints of one locality and priority. */
export interface EndpointGroup<E extends PlacedEndpoint> {
  readonly locality: string;
  readonly endpoints: readonly E[];
  /** 0 is the first; clients use a later one as far as the earlier ones fail. */
  readonly priority: number;
  readonly weight: number;
}

/** Returns the group of all endpoints of a locality. */
export const localityGroup = <E extends PlacedEndpoint>(
  locality: string,
  endpoints: readonly E[],
): EndpointGroup<E> => ({
  locality,
  endpoints,
  priority: 0,
  weight: endpoints.reduce((sum, endpoint) => sum + weightOf(endpoint), 0),
});

/** Groups endpoints by locality. Localities are sorted, for stable bytes. */
export function byLocality<E extends PlacedEndpoint>(endpoints: readonly E[]): readonly EndpointGroup<E>[] {
  const groups = new Map<string, E[]>();
  for (const endpoint of endpoints) {
    const group = groups.get(endpoint.locality);
    if (group === undefined) groups.set(endpoint.locality, [endpoint]);
    else group.push(endpoint);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([locality, members]) => localityGroup(locality, members));
}

type Shares = Extract<LocalityPlan, { type: 'shares' }>;
type Failover = Extract<LocalityPlan, { type: 'failover' }>;

/**
 * Orders groups of endpoints, one per locality, by the preferences of a client. Priorities begin at 0 and have no gaps.
 * The rules are Istio's: https://istio.io/latest/docs/reference/config/networking/destination-rule/#LocalityLoadBalancerSetting
 */
export function arrange<E extends PlacedEndpoint>(
  groups: readonly EndpointGroup<E>[],
  plan: LocalityPlan | null,
  place: ClientPlace,
): readonly EndpointGroup<E>[] {
  if (plan === null || place.locality === anywhere) return groups;
  return plan.type === 'shares' ? shareOut(groups, plan, place) : inOrder(groups, plan, place);
}

/**
 * Gives localities their share, divided by weight if several match. Localities without a share are left out.
 */
function shareOut<E extends PlacedEndpoint>(
  groups: readonly EndpointGroup<E>[],
  { rules }: Shares,
  { locality }: ClientPlace,
): readonly EndpointGroup<E>[] {
  const rule = rules.find(({ from }) => matches(locality, from));
  if (rule === undefined) return groups;
  let rest = groups;
  return rule.to.flatMap(([pattern, percent]) => {
    const matching = rest.filter((group) => matches(group.locality, pattern));
    rest = rest.filter((group) => !matching.includes(group));
    const total = matching.reduce((sum, { weight }) => sum + weight, 0);
    return matching.map((group) => ({ ...group, weight: Math.max(1, Math.ceil((group.weight * percent) / total)) }));
  });
}

/** Reports whether a locality is within one of a rule, of which `*` and missing parts stand for any. */
function matches(locality: string, pattern: string): boolean {
  const parts = locality.split('/');
  return pattern.split('/').every((part, index) => part === '*' || part === '' || part === (parts[index] ?? ''));
}

function inOrder<E extends PlacedEndpoint>(
  groups: readonly EndpointGroup<E>[],
  plan: Failover,
  place: ClientPlace,
): readonly EndpointGroup<E>[] {
  const split = plan.labels.length === 0 ? groups : groups.flatMap((group) => byLabels(group, plan.labels, place));
  const { byLocality } = plan;
  const ranked =
    byLocality === null
      ? split
      : split.map((group) => ({
          ...group,
          priority: group.priority * ranksOfLocality + localityRank(group.locality, place.locality, byLocality.regions),
        }));
  const priorities = [...new Set(ranked.map(({ priority }) => priority))].sort((a, b) => a - b);
  return ranked.map((group) => ({ ...group, priority: priorities.indexOf(group.priority) }));
}

const ranksOfLocality = 5;

/**
 * Ranks a locality: 0 for that of the client, 1 for its zone, 2 for its region. Another region has rank 3, or 4 if a
 * rule names a different one.
 */
function localityRank(
  locality: string,
  own: string,
  regions: readonly { readonly from: string; readonly to: string }[],
): number {
  const [region = '', zone = '', subZone = ''] = locality.split('/');
  const [ownRegion = '', ownZone = '', ownSubZone = ''] = own.split('/');
  if (region === ownRegion) {
    if (zone !== ownZone) return 2;
    return subZone === ownSubZone ? 0 : 1;
  }
  const rule = regions.find(({ from }) => from === ownRegion);
  return rule === undefined || rule.to === region ? 3 : 4;
}

/** Splits a group by the number of labels that endpoints share with the client, counted from the first label. */
function byLabels<E extends PlacedEndpoint>(
  group: EndpointGroup<E>,
  labels: readonly string[],
  place: ClientPlace,
): readonly EndpointGroup<E>[] {
  const byRank = new Map<number, E[]>();
  for (const endpoint of group.endpoints) {
    const rank = labelRank(endpoint, labels, place);
    byRank.set(rank, [...(byRank.get(rank) ?? []), endpoint]);
  }
  return [...byRank].map(([priority, endpoints]) => ({ ...localityGroup(group.locality, endpoints), priority }));
}

/** Ranks an endpoint. Another network comes after all endpoints of the own one, if it is the first label. */
function labelRank(endpoint: PlacedEndpoint, labels: readonly string[], place: ClientPlace): number {
  let rank = 0;
  for (const [index, label] of labels.entries()) {
    const [name = '', value = labelOf(place, name)] = label.split('=');
    if (value === endpointLabel(endpoint, name)) continue;
    if (index === 0 && name === networkLabel) rank = labels.length;
    else return rank + labels.length - index;
  }
  return rank;
}

const networkLabel = 'topology.istio.io/network';

const labelOf = ({ labels, locality }: ClientPlace, name: string): string =>
  labels[name] ?? localityLabel(locality, name) ?? '';

function endpointLabel({ labels, locality, network, cluster }: PlacedEndpoint, name: string): string {
  const own = localityLabel(locality, name);
  if (own !== undefined && own !== '') return own;
  if (name === networkLabel && network !== '') return network;
  if (name === clusterLabel && cluster !== '') return cluster;
  return labels[name] ?? '';
}

/** Label of the platform's cluster. */
const clusterLabel = 'topology.istio.io/cluster';

/** Returns the part of a locality that a label stands for; undefined for another label. */
function localityLabel(locality: string, name: string): string | undefined {
  const part = localityLabels.indexOf(name);
  return part === -1 ? undefined : (locality.split('/')[part] ?? '');
}

const localityLabels = ['topology.kubernetes.io/region', 'topology.kubernetes.io/zone', 'topology.istio.io/subzone'];
