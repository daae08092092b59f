import { type Endpoint, isCallable } from '../../model/endpoint.ts';
import type { RawObject } from '../../model/object.ts';
import { isHttp, type ServicePort } from '../../model/service.ts';
import { type Provider, providerEndpoint } from '../provider.ts';
import { isOfCaller, toHttpMatches } from './call-match.ts';
import { type RuleFault, readTimeouts } from './override-effects.ts';
import { applyOverrides, inOrder, isInScope, type OverriddenProvider } from './overrides.ts';
import { providerApplication } from './provider-condition.ts';
import { type Leaf, maxRoutes, routesOf, type Stage, targetId } from './routing.ts';
import { routeLabel, routingObjects } from './routing-objects.ts';
import type { ConditionRule, RuleDocument } from './rules.ts';
import { conditionStage, tagStage, timeoutStage } from './stages.ts';

export interface GovernedService {
  readonly namespace: string;
  readonly hostname: string;
  readonly ports: readonly ServicePort[];
  readonly providers: readonly Provider[];
}

/** Effect of all rules on a service. */
export interface Governed {
  /** Endpoints of the providers, in their order. */
  readonly endpoints: readonly Endpoint[];
  /** Rules of the mesh for its routes: a VirtualService and a DestinationRule, or none. */
  readonly objects: readonly RawObject[];
  /** Parts of rules that cannot be expressed for this service. */
  readonly faults: readonly RuleFault[];
}

/** Longest origin of generated rules. */
const maxOrigin = 300;

/** Applies rules, by their origins, to the providers of a service. */
export function govern(service: GovernedService, documents: ReadonlyMap<string, RuleDocument>): Governed {
  const faults: RuleFault[] = [];
  const overrides = inOrder(
    [...documents].flatMap(([origin, { overrides: rules }]) => rules.map((rule) => ({ origin, rule }))),
  );
  const instances = service.providers.map((provider) => applyOverrides(provider, overrides));
  const endpoints = instances.map(({ provider, parameters }) => providerEndpoint(provider, parameters));
  const callable = instances.filter((_, index) => endpoints[index] !== undefined && isCallable(endpoints[index]));
  const { stages, origins } = stagesOf(service, { instances, callable, documents, faults });
  if (stages.length === 0) return { endpoints, objects: [], faults };
  const leaves = routesOf(stages, callable);
  if (leaves === null) {
    const message = `the routes of ${service.hostname} would be more than ${maxRoutes}, and are left out`;
    return { endpoints, objects: [], faults: [...faults, ...origins.map((origin) => ({ origin, message }))] };
  }
  const [interfaceName = ''] = service.providers.map(({ identity }) => identity.interface);
  reportPatterns(leaves, { interfaceName, origins, faults });
  const origin = (origins.join(', ') || `dubbo.tag of instances of ${service.hostname}`).slice(0, maxOrigin);
  return {
    endpoints: endpoints.map((endpoint, index) => labelled(endpoint, instances[index], leaves)),
    objects: routingObjects({ ...service, interfaceName, origin }, leaves),
    faults,
  };
}

interface Staging {
  readonly instances: readonly OverriddenProvider[];
  readonly callable: readonly OverriddenProvider[];
  readonly documents: ReadonlyMap<string, RuleDocument>;
  readonly faults: RuleFault[];
}

/** Builds the decisions in the order in which Dubbo makes them: tags, conditions, then timeouts. */
function stagesOf(service: GovernedService, { instances, callable, documents, faults }: Staging) {
  const origins = new Set<string>();
  const applications = new Set(service.providers.map(providerApplication));
  const tags = [...documents].flatMap(([origin, { tags: rules }]) =>
    rules.filter(({ application }) => applications.has(application)).map((rule) => ({ origin, rule })),
  );
  const byTag = tagStage(
    instances,
    tags.map(({ rule }) => rule),
  );
  for (const { origin } of tags) origins.add(origin);
  const conditions = conditionsFor(service, documents);
  for (const { origin } of conditions) origins.add(origin);
  reportUndecoded(service, conditions, faults);
  const timeouts = readTimeouts(instances, faults);
  for (const origin of timeouts.origins) origins.add(origin);
  const hasTimeout = timeouts.usualMs !== null || timeouts.byMethod.size > 0;
  if (hasTimeout) {
    const ports = undecodedPorts(service);
    const message = `its timeouts have no effect at ${ports} of ${service.hostname}`;
    if (ports !== '') for (const origin of timeouts.origins) faults.push({ origin, message });
  }
  const stages: readonly Stage[] = [
    ...(byTag === null ? [] : [byTag]),
    ...conditions.map(({ rule }) => conditionStage(rule, callable)),
    ...(hasTimeout ? [timeoutStage(timeouts.usualMs, timeouts.byMethod)] : []),
  ];
  return { stages, origins: [...origins].sort() };
}

interface OriginatedCondition {
  readonly origin: string;
  readonly rule: ConditionRule;
}

function conditionsFor(
  { providers }: GovernedService,
  documents: ReadonlyMap<string, RuleDocument>,
): readonly OriginatedCondition[] {
  return [...documents]
    .flatMap(([origin, { conditions }]) =>
      conditions
        .filter(({ scope }) => providers.some((provider) => isInScope(scope, provider)))
        .map((rule) => ({ origin, rule })),
    )
    .sort((a, b) => {
      const [byLevel = 0, byPriority = 0] = a.rule.rank.map((number, index) => number - (b.rule.rank[index] ?? 0));
      return byLevel || byPriority || (a.origin < b.origin ? -1 : a.origin > b.origin ? 1 : 0);
    });
}

/** Reports conditions on methods and attachments for ports whose calls are not decoded. */
function reportUndecoded(service: GovernedService, rules: readonly OriginatedCondition[], faults: RuleFault[]): void {
  const ports = undecodedPorts(service);
  if (ports === '') return;
  for (const { origin, rule } of rules)
    if (rule.cases.some(({ when }) => !when.some(isOfCaller)))
      faults.push({
        origin,
        message: `its conditions on methods or attachments have no effect at ${ports} of ${service.hostname}`,
      });
}

/** Names the ports of a service at which single calls cannot be told apart; empty if there are none. */
const undecodedPorts = ({ ports }: GovernedService): string =>
  ports
    .filter(({ protocol }) => !isHttp(protocol))
    .map(({ name }) => `port ${name}`)
    .join(', ');

function reportPatterns(
  leaves: readonly Leaf[],
  { interfaceName, origins, faults }: { interfaceName: string; origins: readonly string[]; faults: RuleFault[] },
): void {
  const isUnexpressed = leaves.some(({ matches }) =>
    matches.some((match) => toHttpMatches(match, interfaceName) === null),
  );
  const message =
    'two patterns for one method or attachment meet, which no route can express: such calls are not routed';
  if (isUnexpressed) for (const origin of origins) faults.push({ origin, message });
}

/** Adds the labels by which the subsets of routes select an instance. */
function labelled(endpoint: Endpoint, instance: OverriddenProvider | undefined, leaves: readonly Leaf[]): Endpoint {
  if (instance === undefined) return endpoint;
  const filters = new Map(
    leaves.flatMap(({ targets }) =>
      targets
        .filter((one) => targetId(one) !== '')
        .flatMap((one) => one.filters.map((filter) => [filter.id, filter] as const)),
    ),
  );
  const own = [...filters.values()].filter(({ keeps }) => keeps(instance)).map(({ id }) => [routeLabel(id), 'true']);
  return own.length === 0
    ? endpoint
    : { ...endpoint, labels: { ...endpoint.labels, ...Object.fromEntries(own.sort()) } };
}
