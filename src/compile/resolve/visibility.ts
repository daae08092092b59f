import type { Service } from '../../model/service.ts';
import type { RouteConfigurationPlan } from '../../plan/route.ts';
import { selectorOf } from '../../rules/kinds/destination-rule/audience.ts';
import { type DestinationRule, destinationRule } from '../../rules/kinds/destination-rule/index.ts';
import { type MergedDestinationRule, mergeDestinationRules } from '../../rules/kinds/destination-rule/resolve.ts';
import { type VirtualService, virtualService } from '../../rules/kinds/virtual-service/index.ts';
import { patternsFor } from '../world/host-index.ts';
import { conditionName } from '../world/relevance.ts';
import type { WorldReader } from '../world/world-reader.ts';
import type { ClientFacts } from './client-facts.ts';

/** The VirtualService that a host has in a scope, and those that it beat. */
export interface EffectiveVirtualService {
  readonly rule: VirtualService;
  readonly overridden: readonly VirtualService[];
}

/** The world as the proxies of one scope see it. Holds no state: each answer is read from the world as it is. */
export interface Visibility {
  /** The service that the host means to this scope, whether its Sidecar lets it be called or not. Never another name. */
  visibleService(host: string): Service | null;
  /** The same, if the scope's proxies may call it. Gateways call nothing but what their routes lead to. */
  callableService(host: string): Service | null;
  /** Service of which the host is an alias in this scope, callable or not; null if it is no alias. */
  aliasOf(host: string): string | null;
  /** Whether the scope's proxies may call the name, be it a service of its own or another name. */
  mayCall(host: string): boolean;
  /** The rule for the host; with `exactly`, only one written for this host itself. */
  virtualService(host: string, exactly?: boolean): EffectiveVirtualService | null;
  destinationRule(service: Service): MergedDestinationRule | null;
  /** Handling of calls to unknown hosts. */
  unknownHosts(): RouteConfigurationPlan['unknownHosts'];
  /** Whether a wildcard covers some service that may be called. */
  coversCallable(wildcard: string): boolean;
}

export function createVisibility(world: WorldReader, facts: ClientFacts): Visibility {
  const isVisible = ({ exportTo, namespace }: Service): boolean =>
    exportClass(nonEmpty(exportTo, world.mesh().defaultServiceExportTo), namespace, facts) !== null;
  const isCallable = (service: Service): boolean =>
    facts.role === 'sidecar' && isVisible(service) && facts.admitsService(service.namespace, service.hostname);
  const visible = (host: string): Service | null => world.servicesOf(host).find(isVisible) ?? null;
  const callable = (host: string): Service | null => world.servicesOf(host).find(isCallable) ?? null;

  return {
    visibleService: (host) => unlessAlias(visible(host)),
    callableService: (host) => unlessAlias(callable(host)),
    aliasOf: (host) => (callable(host) ?? visible(host))?.aliasOf ?? null,
    mayCall: (host) => callable(host) !== null,
    virtualService(host, exactly = false) {
      for (const pattern of exactly ? [host] : patternsFor(host)) {
        const [rule, ...overridden] = visibleVirtualServices({ world, facts, pattern });
        if (rule !== undefined) return { rule, overridden };
      }
      return null;
    },
    unknownHosts() {
      const mode = facts.outboundMode() ?? world.mesh().outboundTrafficPolicy.mode;
      return mode === 'ALLOW_ANY' ? 'forward' : 'refuse';
    },
    destinationRule: (service) => findDestinationRule(world, facts, service),
    coversCallable(wildcard) {
      for (const services of world.servicesBelow(wildcard)) {
        if (unlessAlias(services.find(isCallable) ?? null) !== null) return true;
      }
      return false;
    },
  };
}

const unlessAlias = (service: Service | null): Service | null => (service?.aliasOf ? null : service);

/**
 * How an object of `namespace` is visible to clients: 0 privately, 1 exported to them by name, 2 as to everyone; `null`: not at
 * all.
 */
export function exportClass(
  exportTo: readonly string[],
  namespace: string,
  clients: Pick<ClientFacts, 'isOfNamespace'>,
): 0 | 1 | 2 | null {
  if (exportTo.includes('*')) return 2;
  if ((exportTo.includes('.') || exportTo.includes(namespace)) && clients.isOfNamespace(namespace)) return 0;
  return exportTo.some((name) => name !== '.' && name !== '~' && clients.isOfNamespace(name)) ? 1 : null;
}

interface VirtualServiceQuery {
  readonly world: WorldReader;
  readonly facts: ClientFacts;
  readonly pattern: string;
}

/**
 * Private rules hide those exported to the namespace by name, which hide public ones: that is meant, and no conflict.
 * The rules of the class that counts, in order of precedence.
 */
function visibleVirtualServices({ world, facts, pattern }: VirtualServiceQuery): readonly VirtualService[] {
  const rules = world.rulesAt(virtualService, pattern);
  if (rules.length === 0) return rules;
  const defaults = world.mesh().defaultVirtualServiceExportTo;
  const classes: [VirtualService[], VirtualService[], VirtualService[]] = [[], [], []];
  for (const rule of rules) {
    const { namespace } = rule.metadata;
    const visible = exportClass(nonEmpty(rule.spec.exportTo, defaults), namespace, facts);
    if (visible !== null && facts.admitsRule(namespace, pattern)) classes[visible].push(rule);
  }
  return classes.find((visible) => visible.length > 0) ?? [];
}

/**
 * Looks in the client's namespace, then in the service's, then in the root namespace; the first that has rules for the
 * host decides, with its most specific host.
 */
function findDestinationRule(world: WorldReader, facts: ClientFacts, service: Service): MergedDestinationRule | null {
  const mesh = world.mesh();
  const root = mesh.rootNamespace;
  const exportTo = ({ spec }: DestinationRule) => nonEmpty(spec.exportTo, mesh.defaultDestinationRuleExportTo);
  const isExported = (rule: DestinationRule) => exportClass(exportTo(rule), rule.metadata.namespace, facts) !== null;
  // A catch-all of the root namespace must not beat a service's own rule because its client lives there too.
  const isOwn = (rule: DestinationRule) =>
    facts.isOfNamespace(rule.metadata.namespace) &&
    (rule.metadata.namespace !== root || ['.', root].includes(exportTo(rule).join()));
  const steps: readonly ((rule: DestinationRule) => boolean)[] = [
    isOwn,
    (rule) => rule.metadata.namespace === service.namespace && isExported(rule),
    (rule) => rule.metadata.namespace === root && isExported(rule),
  ];
  const written = patternsFor(service.hostname)
    .map((pattern) => world.rulesAt(destinationRule, pattern))
    .filter((rules) => rules.length > 0);
  for (const isUsed of steps) {
    for (const rules of written) {
      const chosen = bySelector(rules.filter(isUsed), facts);
      if (chosen.length > 0) return mergeDestinationRules(chosen);
    }
  }
  return null;
}

/**
 * Rules that select the client's labels come before those for everyone, and count in its own namespace only. Of those
 * that select in different ways only one kind is used, the oldest rule's.
 */
function bySelector(rules: readonly DestinationRule[], facts: ClientFacts): readonly DestinationRule[] {
  const oldest = rules.find(({ spec, metadata }) => {
    const selector = selectorOf(spec);
    return selector !== null && facts.isOfNamespace(metadata.namespace) && facts.hasLabels(selector);
  });
  const condition = oldest === undefined ? null : selectorName(oldest.spec);
  return rules.filter(({ spec }) => selectorName(spec) === condition);
}

/** The labels that clients need, by name; `null` for a rule for everyone. */
function selectorName(spec: DestinationRule['spec']): string | null {
  const selector = selectorOf(spec);
  return selector === null ? null : conditionName(selector);
}

const nonEmpty = (exportTo: readonly string[] | undefined, defaults: readonly string[]): readonly string[] =>
  exportTo === undefined || exportTo.length === 0 ? defaults : exportTo;
