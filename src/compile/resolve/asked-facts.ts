import type { Sidecar } from '../../rules/kinds/sidecar/index.ts';
import { admitsRule, admitsService, type EgressHost, resolveEgress } from '../../rules/kinds/sidecar/resolve.ts';
import type { Labels } from '../../rules/labels.ts';
import type { MeshConfig } from '../../rules/mesh-config.ts';
import type { ScopeFacts } from '../scope-key.ts';
import { conditionName } from '../world/relevance.ts';

type OutboundMode = MeshConfig['outboundTrafficPolicy']['mode'];

/** From where the world is seen. */
export interface Viewpoint {
  readonly facts: ScopeFacts;
  /** Hosts that the scope's Sidecar allows; null: all hosts. */
  readonly egress: readonly EgressHost[] | null;
  /** Policy of the scope's Sidecar for unknown hosts; null: it has none. */
  readonly outboundMode: OutboundMode | null;
  /** The facts that are read without a note, as one text: scopes that differ in it share no hosts. */
  readonly openFacts: string;
}

/** Facts that resolving reads without a note: hosts are never shared between scopes that differ in one of these. */
type OpenFacts = Pick<ScopeFacts, 'role' | 'client' | 'interception' | 'families'>;

/**
 * The questions that resolving may ask about the clients of a scope. It has no other way to their facts, so that scopes that give
 * the same answers are told the same.
 */
export interface AskedFacts extends OpenFacts {
  isOfNamespace(namespace: string): boolean;
  /** Whether the clients have all these labels, which some rule's audience names. */
  hasLabels(labels: Labels): boolean;
  /**
   * The DNS domain of the clients, as far as it matters for names in `domains`: the whole of it if it is one of them, else the part
   * that shortens names of any namespace.
   */
  domainFor(domains: readonly string[]): string;
  admitsService(namespace: string, host: string): boolean;
  admitsRule(namespace: string, pattern: string): boolean;
  outboundMode(): OutboundMode | null;
}

/** A question by its text, and what a scope answered. */
export type Asked = ReadonlyMap<string, string>;

export function viewpointOf(facts: ScopeFacts, sidecar: Sidecar | null): Viewpoint {
  const { role, client, interception, families } = facts;
  return {
    facts,
    egress: sidecar === null ? null : resolveEgress(sidecar.spec, facts.namespace),
    outboundMode: sidecar?.spec.outboundTrafficPolicy?.mode ?? null,
    openFacts: JSON.stringify([role, client, interception, families, sidecar === null]),
  };
}

/** Facts that note into `asked` what they are asked. */
export function askedFacts(viewpoint: Viewpoint, asked: Map<string, string>): AskedFacts {
  const { facts, egress } = viewpoint;
  const ask = (question: string): string => {
    const known = asked.get(question);
    if (known !== undefined) return known;
    const given = answer(question, viewpoint);
    asked.set(question, given);
    return given;
  };
  const isTrue = (kind: Kind, about: string): boolean => ask(`${kind}${about}`) === yes;
  return {
    role: facts.role,
    client: facts.client,
    interception: facts.interception,
    families: facts.families,
    isOfNamespace: (namespace) => isTrue('namespace ', namespace),
    // That everybody has no labels is no condition: no scope is told apart by it.
    hasLabels: (labels) => Object.keys(labels).length === 0 || isTrue('condition ', conditionName(labels)),
    domainFor: (domains) => domains.find((domain) => isTrue('domain ', domain)) ?? ask('tail '),
    admitsService: (namespace, host) => egress === null || isTrue('service ', `${namespace}/${host}`),
    admitsRule: (namespace, pattern) => egress === null || isTrue('rule ', `${namespace}/${pattern}`),
    outboundMode: () => (egress === null ? null : modeOf(ask('mode '))),
  };
}

/** Whether a scope would have answered the same. */
export function answersAlike(asked: Asked, viewpoint: Viewpoint): boolean {
  for (const [question, given] of asked) if (answer(question, viewpoint) !== given) return false;
  return true;
}

const kinds = ['namespace ', 'condition ', 'domain ', 'tail ', 'service ', 'rule ', 'mode '] as const;
type Kind = (typeof kinds)[number];

const yes = 'yes';
const no = 'no';

/** Answer of a scope to a question. It depends on the question's text alone, so that answers of scopes can be compared. */
export function answer(question: string, { facts, egress, outboundMode }: Viewpoint): string {
  const space = question.indexOf(' ');
  const about = question.slice(space + 1);
  switch (
    question.slice(0, space + 1) as Kind // made by `askedFacts`
  ) {
    case 'namespace ':
      return facts.namespace === about ? yes : no;
    case 'condition ':
      return facts.conditions.includes(about) ? yes : no;
    case 'domain ':
      return facts.dnsDomain === about ? yes : no;
    case 'tail ':
      return tailOf(facts.dnsDomain);
    case 'service ':
      return admits(admitsService, about, egress);
    case 'rule ':
      return admits(admitsRule, about, egress);
    default:
      return outboundMode ?? '';
  }
}

const modeOf = (text: string): OutboundMode | null => (text === 'ALLOW_ANY' || text === 'REGISTRY_ONLY' ? text : null);

function admits(by: typeof admitsService, about: string, egress: readonly EgressHost[] | null): string {
  const slash = about.indexOf('/');
  return egress === null || by(egress, about.slice(0, slash), about.slice(slash + 1)) ? yes : no;
}

/**
 * The part of a client's domain that matters where no service is right below it: Kubernetes' domains shorten hosts of
 * other namespaces by their tail alone.
 */
export function tailOf(domain: string): string {
  const tail = domain.indexOf('.svc.');
  return tail === -1 ? domain : `*${domain.slice(tail)}`;
}
