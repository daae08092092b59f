import type { Service } from '../../model/service.ts';
import type { UnknownHosts } from '../../plan/route.ts';
import { selectorOf } from '../../rules/kinds/destination-rule/audience.ts';
import { type DestinationRule, destinationRule } from '../../rules/kinds/destination-rule/index.ts';
import { type MergedDestinationRule, mergeDestinationRules } from '../../rules/kinds/destination-rule/resolve.ts';
import { type VirtualService, virtualService } from '../../rules/kinds/virtual-service/index.ts';
import { patternsFor } from '../world/host-index.ts';
import { conditionName } from '../world/relevance.ts';
import type { WorldReader } from '../world/world-reader.ts';
import { withAutoAddresses } from './auto-addresses.ts';
import type { ClientFacts } from './client-facts.ts';

/** View of the world by the proxies of one scope. Stateless: each call reads the current world. */
export interface Visibility {
  /** Returns the service of a host in this scope, callable or not. Aliases have none. */
  visibleService(host: string): Service | null;
  /**
   * Returns the service of a host if the scope's proxies may call it. Gateways call only destinations of their routes.
   */
  callableService(host: string): Service | null;
  /** Returns the host of which this host is an alias in this scope, callable or not; null if it is no alias. */
  aliasOf(host: string): string | null;
  /** Returns true if the scope's proxies may call the host, a service or an alias. */
  mayCall(host: string): boolean;
  /**
   * Returns the rules for the host in order of precedence; with `exactly`, only those for exactly this host. Rules of
   * equal visibility for one host or wildcard are one group.
   */
  virtualServices(host: string, exactly?: boolean): readonly (readonly VirtualService[])[];
  /** Returns true if clients in `namespace` see the rule. */
  isExportedTo(rule: VirtualService, namespace: string): boolean;
  destinationRule(service: Service): MergedDestinationRule | null;
  /** Returns the handling of calls to unknown hosts. */
  unknownHosts(): UnknownHosts;
  /** Returns true if a wildcard covers a callable service. */
  coversCallable(wildcard: string): boolean;
}

export function createVisibility(world: WorldReader, facts: ClientFacts): Visibility {
  const isVisible = ({ exportTo, namespace }: Service): boolean =>
    exportClass(nonEmpty(exportTo, world.mesh().defaultServiceExportTo), namespace, facts) !== null;
  const isCallable = (service: Service): boolean =>
    facts.role === 'sidecar' && isVisible(service) && facts.admitsService(service.namespace, service.hostname);
  const visible = (host: string): Service | null => preferred(world.servicesOf(host).filter(isVisible), facts);
  const callable = (host: string): Service | null => preferred(world.servicesOf(host).filter(isCallable), facts);

  return {
    visibleService: (host) => unlessAlias(visible(host)),
    callableService: (host) => unlessAlias(callable(host)),
    aliasOf: (host) => (callable(host) ?? visible(host))?.aliasOf ?? null,
    mayCall: (host) => callable(host) !== null,
    virtualServices: (host, exactly = false) =>
      (exactly ? [host] : patternsFor(host)).flatMap((pattern) => visibleVirtualServices({ world, facts, pattern })),
    isExportedTo({ spec, metadata }, namespace) {
      const exportTo = nonEmpty(spec.exportTo, world.mesh().defaultVirtualServiceExportTo);
      return exportClass(exportTo, metadata.namespace, { isOfNamespace: (other) => other === namespace }) !== null;
    },
    unknownHosts() {
      const proxy = facts.egressProxy();
      if (proxy !== null) return { destination: proxy };
      const mode = facts.outboundMode() ?? world.mesh().outboundTrafficPolicy.mode;
      return mode === 'ALLOW_ANY' ? 'forward' : 'refuse';
    },
    destinationRule: (service) => findDestinationRule(world, facts, service),
    coversCallable(wildcard) {
      for (const services of world.servicesBelow(wildcard)) {
        if (unlessAlias(preferred(services.filter(isCallable), facts)) !== null) return true;
      }
      return false;
    },
  };
}

/**
 * Returns the service of one hostname that applies to clients: the Kubernetes service, else that of their namespace,
 * else the first. `services` are in order of precedence.
 */
function preferred(services: readonly Service[], clients: ClientFacts): Service | null {
  const [first, ...others] = services;
  if (first === undefined) return null;
  const isFirst = others.length === 0 || first.registry === 'kubernetes';
  const own = isFirst ? first : services.find(({ namespace }) => clients.isOfNamespace(namespace));
  return withAutoAddresses(own ?? first, clients);
}

const unlessAlias = (service: Service | null): Service | null => (service?.aliasOf ? null : service);

/**
 * Returns the visibility of an object of `namespace` to clients: 0 private, 1 exported to them by name, 2 public, null
 * invisible.
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
 * Returns the visible rules in order of precedence: private rules, then those exported to the namespace by name, then
 * public ones.
 */
function visibleVirtualServices({
  world,
  facts,
  pattern,
}: VirtualServiceQuery): readonly (readonly VirtualService[])[] {
  const rules = world.rulesAt(virtualService, pattern);
  if (rules.length === 0) return [];
  const defaults = world.mesh().defaultVirtualServiceExportTo;
  const classes: [VirtualService[], VirtualService[], VirtualService[]] = [[], [], []];
  for (const rule of rules) {
    const { namespace } = rule.metadata;
    const visible = exportClass(nonEmpty(rule.spec.exportTo, defaults), namespace, facts);
    if (visible !== null && facts.admitsRule(namespace, pattern)) classes[visible].push(rule);
  }
  return classes.filter((visible) => visible.length > 0);
}

/** Facts of clients on which the choice of a DestinationRule depends. */
export type RuleClients = Pick<ClientFacts, 'isOfNamespace' | 'hasLabels'>;

/**
 * Finds the DestinationRules in the client's namespace, then in the service's, then in the root namespace. The first
 * with rules for the host decides, with its most specific host.
 */
export function findDestinationRule(
  world: WorldReader,
  facts: RuleClients,
  service: Service,
): MergedDestinationRule | null {
  const mesh = world.mesh();
  const root = mesh.rootNamespace;
  const exportTo = ({ spec }: DestinationRule) => nonEmpty(spec.exportTo, mesh.defaultDestinationRuleExportTo);
  const isExported = (rule: DestinationRule) => exportClass(exportTo(rule), rule.metadata.namespace, facts) !== null;
  // A catch-all rule of the root namespace must not override a service's own rule for clients in the root namespace.
  const isOwn = (rule: DestinationRule) =>
    facts.isOfNamespace(rule.metadata.namespace) &&
    isExported(rule) &&
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
 * Filters rules by selector. Rules that select the client's labels override those for everyone, in its own namespace
 * only. Of rules with different selectors, those with the selector of the oldest apply.
 */
function bySelector(rules: readonly DestinationRule[], facts: RuleClients): readonly DestinationRule[] {
  const oldest = rules.find(({ spec, metadata }) => {
    const selector = selectorOf(spec);
    return selector !== null && facts.isOfNamespace(metadata.namespace) && facts.hasLabels(selector);
  });
  const condition = oldest === undefined ? null : selectorName(oldest.spec);
  return rules.filter(({ spec }) => selectorName(spec) === condition);
}

/** Returns the name of the label condition; null for a rule for everyone. */
function selectorName(spec: DestinationRule['spec']): string | null {
  const selector = selectorOf(spec);
  return selector === null ? null : conditionName(selector);
}

const nonEmpty = (exportTo: readonly string[] | undefined, defaults: readonly string[]): readonly string[] =>
  exportTo === undefined || exportTo.length === 0 ? defaults : exportTo;
