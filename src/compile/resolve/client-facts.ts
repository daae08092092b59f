import { canonicalAddress } from '../../lib/ip.ts';
import { outboundName } from '../../plan/destination.ts';
import { qualifiedHost } from '../../rules/fields.ts';
import type { SidecarRule } from '../../rules/kinds/sidecar/index.ts';
import {
  admitsRule,
  admitsService,
  type EgressListener,
  type EgressPlace,
  everyPort,
  resolveEgress,
} from '../../rules/kinds/sidecar/resolve.ts';
import type { Labels } from '../../rules/labels.ts';
import type { MeshConfig } from '../../rules/mesh-config.ts';
import type { ScopeFacts } from '../scope-key.ts';
import { conditionName } from '../world/relevance.ts';

type OutboundMode = MeshConfig['outboundTrafficPolicy']['mode'];

/** Point of view of a scope on the world. */
export interface Viewpoint {
  readonly facts: ScopeFacts;
  readonly sidecar: SidecarRule | null;
  /** Listeners with the hosts that the scope's Sidecar allows; null for all hosts. */
  readonly egress: readonly EgressListener[] | null;
  /** Policy of the scope's Sidecar for unknown hosts; null if it has none. */
  readonly outboundMode: OutboundMode | null;
  /** Destination of calls to unknown hosts, by the scope's Sidecar. */
  readonly egressProxy: string | null;
  /** Host whose destinations the scope needs for its `egressProxy`. */
  readonly wantedHost: string | null;
  /** Facts that are read without a record, as one text. Scopes with different texts share no hosts. */
  readonly untrackedFacts: string;
}

/** Facts that are read without a record. Scopes that differ in one of these never share hosts. */
type UntrackedFacts = Pick<ScopeFacts, 'role' | 'client' | 'interception' | 'families' | 'capturesDns'>;

/**
 * Access of resolving to the facts of a scope's clients. Resolving has no other one, so scopes with equal answers have
 * equal plans.
 */
export interface ClientFacts extends UntrackedFacts {
  isOfNamespace(namespace: string): boolean;
  /** Returns true if the clients have all these labels, which must be in the audience of a rule. */
  hasLabels(labels: Labels): boolean;
  /**
   * Returns the part of the clients' DNS domain that matters for names in `domains`. This is the whole domain if it is
   * one of them, else the part that shortens names of any namespace.
   */
  domainFor(domains: readonly string[]): string;
  admitsService(namespace: string, host: string): boolean;
  admitsRule(namespace: string, pattern: string): boolean;
  outboundMode(): OutboundMode | null;
  /** Returns the destination of calls to unknown hosts; null if the mode decides. */
  egressProxy(): string | null;
  /** Returns the places at which the clients call services; the usual one without a Sidecar. */
  egressPlaces(): readonly EgressPlace[];
  /** Returns the listeners of their own for inbound connections: `address:port`, `*` for the workload's address. */
  ingressBinds(): readonly string[];
  /** Returns the facts of calls at one of the places. */
  through(place: number): ClientFacts;
}

/** Facts that were read: queries with the scope's answers. */
export type FactReads = ReadonlyMap<string, string>;

export function viewpointOf(facts: ScopeFacts, sidecar: SidecarRule | null, domainSuffix: string): Viewpoint {
  const { role, client, interception, families, capturesDns } = facts;
  const proxy = sidecar?.spec.outboundTrafficPolicy?.egressProxy;
  const proxyHost = proxy && sidecar ? qualifiedHost(proxy.host, sidecar.metadata.namespace, domainSuffix) : null;
  return {
    facts,
    sidecar,
    egress: sidecar === null ? null : resolveEgress(sidecar.spec, facts.namespace),
    egressProxy: proxy && proxyHost ? outboundName(proxy.port?.number ?? 0, proxy.subset ?? '', proxyHost) : null,
    wantedHost: proxyHost,
    outboundMode: outboundModeOf(sidecar?.spec.outboundTrafficPolicy),
    untrackedFacts: JSON.stringify([role, client, interception, families, capturesDns, sidecar === null]),
  };
}

/** Returns the mode of a Sidecar's policy. A policy without a mode is REGISTRY_ONLY, the API's zero value. */
const outboundModeOf = (policy: SidecarRule['spec']['outboundTrafficPolicy']): OutboundMode | null =>
  policy === undefined ? null : (policy.mode ?? 'REGISTRY_ONLY');

/** Creates facts of a scope that record queries and answers in `reads`. */
export function createClientFacts(viewpoint: Viewpoint, reads: Map<string, string>): ClientFacts {
  const { facts, egress } = viewpoint;
  const hasOnePlace = egress === null || egress.length === 1;
  const read = (query: string): string => {
    const known = reads.get(query);
    if (known !== undefined) return known;
    const value = evaluateFact(query, viewpoint);
    reads.set(query, value);
    return value;
  };
  const isTrue = (kind: QueryKind, about: string): boolean => read(`${kind}${about}`) === yes;
  const all: ClientFacts = {
    role: facts.role,
    client: facts.client,
    interception: facts.interception,
    families: facts.families,
    ...(facts.capturesDns ? { capturesDns: true } : {}),
    isOfNamespace: (namespace) => isTrue('namespace ', namespace),
    // The empty condition holds for all clients and distinguishes no scopes.
    hasLabels: (labels) => Object.keys(labels).length === 0 || isTrue('condition ', conditionName(labels)),
    domainFor: (domains) => domains.find((domain) => isTrue('domain ', domain)) ?? read('tail '),
    admitsService: (namespace, host) => egress === null || isTrue('service ', `${namespace}/${host}`),
    admitsRule: (namespace, pattern) => egress === null || isTrue('rule ', `${namespace}/${pattern}`),
    outboundMode: () => (egress === null ? null : modeOf(read('mode '))),
    egressProxy: () => (egress === null ? null : read('proxy ') || null),
    egressPlaces: () => (egress === null ? [everyPort] : placesOf(read('places '))),
    ingressBinds: () => (egress === null ? [] : read('ingress ').split(' ').filter(Boolean)),
    through: (place) => (hasOnePlace ? all : at(place)),
  };
  const at = (place: number): ClientFacts => ({
    ...all,
    admitsService: (namespace, host) => isTrue('service ', `${namespace}/${host}/${place}`),
    admitsRule: (namespace, pattern) => isTrue('rule ', `${namespace}/${pattern}/${place}`),
  });
  return all;
}

/** Places as the answer to a query. Most Sidecars have the usual one only. */
const placesOf = (text: string): readonly EgressPlace[] =>
  text === '' ? [everyPort] : (JSON.parse(text) as readonly EgressPlace[]); // made by `evaluateFact`

function placesText(egress: readonly EgressListener[]): string {
  const places = egress.map(({ place }) => place);
  const text = JSON.stringify(places);
  return text === JSON.stringify([everyPort]) ? '' : text;
}

/** Returns the ingress listeners that open a socket. */
function ingressText({ facts, sidecar }: Viewpoint): string {
  const own = (sidecar?.spec.ingress ?? []).filter(({ captureMode = 'DEFAULT' }) =>
    facts.interception === 'none' ? captureMode !== 'IPTABLES' : captureMode === 'NONE',
  );
  return own.map(({ bind, port }) => `${canonicalAddress(bind || '*')}:${port.number ?? 0}`).join(' ');
}

/** Returns true if a scope gives equal answers to all queries. */
export function hasSameFacts(reads: FactReads, viewpoint: Viewpoint): boolean {
  for (const [query, value] of reads) if (evaluateFact(query, viewpoint) !== value) return false;
  return true;
}

const queryKinds = [
  ...(['namespace ', 'condition ', 'domain ', 'tail ', 'service ', 'rule ', 'mode '] as const),
  ...(['proxy ', 'places ', 'ingress '] as const),
] as const;
type QueryKind = (typeof queryKinds)[number];

const yes = 'yes';
const no = 'no';

/**
 * Returns a scope's answer to a query. It depends only on the text of the query, so that answers of scopes can be
 * compared.
 */
export function evaluateFact(query: string, viewpoint: Viewpoint): string {
  const { facts, egress, outboundMode } = viewpoint;
  const space = query.indexOf(' ');
  const about = query.slice(space + 1);
  switch (
    query.slice(0, space + 1) as QueryKind // made by `createClientFacts`
  ) {
    case 'namespace ':
      return facts.namespace === about ? yes : no;
    case 'condition ':
      return facts.conditions.includes(about) ? yes : no;
    case 'domain ':
      return facts.dnsDomain === about ? yes : no;
    case 'tail ':
      return sharedDomainOf(facts.dnsDomain);
    case 'service ':
      return admits(admitsService, about, egress);
    case 'rule ':
      return admits(admitsRule, about, egress);
    case 'proxy ':
      return viewpoint.egressProxy ?? '';
    case 'places ':
      return placesText(egress ?? []);
    case 'ingress ':
      return ingressText(viewpoint);
    default:
      return outboundMode ?? '';
  }
}

const modeOf = (text: string): OutboundMode | null => (text === 'ALLOW_ANY' || text === 'REGISTRY_ONLY' ? text : null);

/** Answers for `namespace/host` by all listeners, for `namespace/host/index` by one. */
function admits(by: typeof admitsService, about: string, egress: readonly EgressListener[] | null): string {
  const [namespace = '', host = '', index] = about.split('/');
  if (egress === null) return yes;
  const listeners = index === undefined ? egress : egress.slice(Number(index), Number(index) + 1);
  return listeners.some((listener) => by(listener, namespace, host)) ? yes : no;
}

/**
 * Returns the part of a client's domain that matters if no service is directly below the domain. Kubernetes' domains
 * shorten hosts of other namespaces by their tail alone.
 */
export function sharedDomainOf(domain: string): string {
  const tail = domain.indexOf('.svc.');
  return tail === -1 ? domain : `*${domain.slice(tail)}`;
}
