import { covers } from '../../model/names.ts';
import type { Service } from '../../model/service.ts';
import type { RouteConfigurationPlan } from '../../plan/route.ts';
import type { DestinationRule } from '../../rules/kinds/destination-rule/index.ts';
import { type MergedDestinationRule, mergeDestinationRules } from '../../rules/kinds/destination-rule/resolve.ts';
import type { Sidecar } from '../../rules/kinds/sidecar/index.ts';
import { admitsRule, admitsService, type EgressHost, resolveEgress } from '../../rules/kinds/sidecar/resolve.ts';
import type { VirtualService } from '../../rules/kinds/virtual-service/index.ts';
import type { ScopeFacts } from '../scope-key.ts';
import { patternsFor } from '../world/host-index.ts';
import { conditionName } from '../world/relevance.ts';
import type { World } from '../world/world.ts';

/** The VirtualService that a host has in a scope, and those that it beat. */
export interface EffectiveVirtualService {
  readonly rule: VirtualService;
  readonly beaten: readonly VirtualService[];
}

/** The world as the proxies of one scope see it. Holds no state: each answer is read from the world as it is. */
export interface Visibility {
  /** The service that the host means to this scope, whether its Sidecar lets it be called or not. Never another name. */
  visibleService(host: string): Service | null;
  /** The same, if the scope's proxies may call it. */
  callableService(host: string): Service | null;
  /** What the host is another name of in this scope, whether it may be called or not; null where it is a host of its own. */
  aliasOf(host: string): string | null;
  /** Whether the scope's proxies may call the name, be it a service of its own or another name. */
  mayCall(host: string): boolean;
  /** The rule for the host; with `exactly`, only one written for this host itself. */
  virtualService(host: string, exactly?: boolean): EffectiveVirtualService | null;
  destinationRule(service: Service): MergedDestinationRule | null;
  /** What becomes of calls to hosts that nobody has. */
  unknownHosts(): RouteConfigurationPlan['unknownHosts'];
  /** Whether a wildcard covers some service that may be called. */
  coversCallable(wildcard: string): boolean;
}

export function createVisibility(world: World, facts: ScopeFacts, sidecar: Sidecar | null): Visibility {
  const egress = sidecar === null ? null : resolveEgress(sidecar.spec, facts.namespace);

  const visibleServices = (host: string): readonly Service[] => {
    const defaults = world.mesh().defaultServiceExportTo;
    return world.servicesOf(host).filter(({ exportTo, namespace }) => {
      return exportClass(exportTo.length === 0 ? defaults : exportTo, namespace, facts.namespace) !== null;
    });
  };
  const admittedService = (host: string): Service | null =>
    visibleServices(host).find(({ namespace }) => isAdmitted(egress, namespace, host)) ?? null;
  const callableService = (host: string): Service | null => ofItsOwn(admittedService(host));

  return {
    visibleService: (host) => ofItsOwn(visibleServices(host)[0] ?? null),
    callableService,
    aliasOf: (host) => (admittedService(host) ?? visibleServices(host)[0])?.aliasOf ?? null,
    mayCall: (host) => admittedService(host) !== null,
    virtualService(host, exactly = false) {
      for (const pattern of exactly ? [host] : patternsFor(host)) {
        const [rule, ...beaten] = visibleVirtualServices({ world, facts, egress, pattern });
        if (rule !== undefined) return { rule, beaten };
      }
      return null;
    },
    unknownHosts() {
      const mode = sidecar?.spec.outboundTrafficPolicy?.mode ?? world.mesh().outboundTrafficPolicy.mode;
      return mode === 'ALLOW_ANY' ? 'forward' : 'refuse';
    },
    destinationRule: (service) => findDestinationRule(world, facts, service),
    coversCallable(wildcard) {
      for (const host of world.serviceHosts()) {
        if (host !== wildcard && covers(wildcard, host) && callableService(host) !== null) return true;
      }
      return false;
    },
  };
}

const ofItsOwn = (service: Service | null): Service | null => (service?.aliasOf ? null : service);

const isAdmitted = (egress: readonly EgressHost[] | null, namespace: string, host: string): boolean =>
  egress === null || admitsService(egress, namespace, host);

/**
 * How an object of `namespace` is visible to clients in `client`: 0 privately, 1 exported to them by name, 2 as to
 * everyone; `null`: not at all.
 */
export function exportClass(exportTo: readonly string[], namespace: string, client: string): 0 | 1 | 2 | null {
  if (exportTo.includes('*')) return 2;
  if (namespace === client && (exportTo.includes('.') || exportTo.includes(namespace))) return 0;
  return exportTo.includes(client) ? 1 : null;
}

interface VirtualServiceQuery {
  readonly world: World;
  readonly facts: ScopeFacts;
  readonly egress: readonly EgressHost[] | null;
  readonly pattern: string;
}

/**
 * Private rules hide those exported to the namespace by name, which hide public ones: that is meant, and no conflict.
 * The rules of the class that counts, in order of precedence.
 */
function visibleVirtualServices({ world, facts, egress, pattern }: VirtualServiceQuery): readonly VirtualService[] {
  const rules = world.rules.virtualServices.at(pattern);
  if (rules.length === 0) return rules;
  const defaults = world.mesh().defaultVirtualServiceExportTo;
  const classes: [VirtualService[], VirtualService[], VirtualService[]] = [[], [], []];
  for (const rule of rules) {
    const { namespace } = rule.metadata;
    const visible = exportClass(nonEmpty(rule.spec.exportTo, defaults), namespace, facts.namespace);
    if (visible !== null && (egress === null || admitsRule(egress, namespace, pattern))) classes[visible].push(rule);
  }
  return classes.find((visible) => visible.length > 0) ?? [];
}

/**
 * Looks in the client's namespace, then in the service's, then in the root namespace; the first that has rules for the
 * host decides, with its most specific host.
 */
function findDestinationRule(world: World, facts: ScopeFacts, service: Service): MergedDestinationRule | null {
  const mesh = world.mesh();
  const root = mesh.rootNamespace;
  const client = facts.namespace;
  const isExported = ({ spec, metadata }: DestinationRule) =>
    exportClass(nonEmpty(spec.exportTo, mesh.defaultDestinationRuleExportTo), metadata.namespace, client) !== null;
  // A catch-all of the root namespace must not beat a service's own rule because its client lives there too.
  const isOwn = ({ spec }: DestinationRule) =>
    client !== root || ['.', root].includes(nonEmpty(spec.exportTo, mesh.defaultDestinationRuleExportTo).join());
  const steps: readonly (readonly [namespace: string, use: (rule: DestinationRule) => boolean])[] = [
    [client, isOwn],
    [service.namespace, isExported],
    [root, isExported],
  ];
  const patterns = patternsFor(service.hostname).filter(
    (pattern) => world.rules.destinationRules.at(pattern).length > 0,
  );
  for (const [namespace, use] of steps) {
    for (const pattern of patterns) {
      const rules = world.rules.destinationRules
        .at(pattern)
        .filter((rule) => rule.metadata.namespace === namespace && use(rule));
      const chosen = bySelector(rules, facts);
      if (chosen.length > 0) return mergeDestinationRules(chosen);
    }
  }
  return null;
}

/**
 * Rules that select the client's labels come before those for everyone, and count in its own namespace only. Of those
 * that select in different ways only one kind is used, the oldest rule's.
 */
function bySelector(rules: readonly DestinationRule[], facts: ScopeFacts): readonly DestinationRule[] {
  const oldest = rules.find(({ spec, metadata }) => {
    const condition = selectorName(spec);
    return condition !== null && metadata.namespace === facts.namespace && facts.conditions.includes(condition);
  });
  const condition = oldest === undefined ? null : selectorName(oldest.spec);
  return rules.filter(({ spec }) => selectorName(spec) === condition);
}

/** The labels that clients need, by name; `null` for a rule for everyone. */
const selectorName = ({ workloadSelector: selector }: DestinationRule['spec']): string | null =>
  selector === undefined ? null : conditionName(selector.matchLabels ?? {});

const nonEmpty = (exportTo: readonly string[] | undefined, defaults: readonly string[]): readonly string[] =>
  exportTo === undefined || exportTo.length === 0 ? defaults : exportTo;
