import type { Endpoint, Workload } from '../../model/endpoint.ts';
import { type ServiceKey, serviceKey } from '../../model/names.ts';
import type { Service } from '../../model/service.ts';
import type { ShardChange } from '../../platform/adapter.ts';
import type { ServiceEntrySpec } from '../kinds/service-entry/schema.ts';
import { endpointPorts, type TranslatedServiceEntry, translateServiceEntry } from '../kinds/service-entry/translate.ts';
import type { WorkloadEntrySpec } from '../kinds/workload-entry/schema.ts';
import {
  type SelectableWorkload,
  selectableOf,
  translateWorkloadEntry,
  uncallableReason,
} from '../kinds/workload-entry/translate.ts';
import { comparePrecedence, type Rule, type RuleId, ruleId } from '../rule.ts';
import { createLabelIndex, keysOf, selects } from './label-index.ts';

/**
 * ServiceEntries and what they select, as services and endpoint sets of one shard. Changes only mark what they touch;
 * `takeChanges` computes each touched host once, however many workloads came and went.
 */
export interface ServiceEntryIndex {
  /** Takes a validated rule of either kind; others are ignored. */
  ruleChanged(rule: Rule): void;
  ruleRemoved(id: RuleId): void;
  /** `adapter` names the shard, so that equal names of two platforms are two workloads. */
  workloadChanged(adapter: string, workload: Workload): void;
  workloadRemoved(adapter: string, namespace: string, name: string): void;
  /** What changed since the last call, for the shard's `apply`. */
  takeChanges(): readonly ShardChange[];
  /** The services that a ServiceEntry makes or adds to, and those that a WorkloadEntry is an endpoint of. */
  servicesOf(id: RuleId): readonly ServiceKey[];
  /** What its author should know about a valid rule, by rule. Computed on call. */
  problems(): ReadonlyMap<RuleId, readonly string[]>;
}

/** A ServiceEntry as it stands in the index. */
interface Entry {
  readonly id: RuleId;
  readonly rule: Rule<string, ServiceEntrySpec>;
  readonly translated: TranslatedServiceEntry;
  /** Null: it selects no workloads. */
  readonly selector: Readonly<Record<string, string>> | null;
  /** Equal for entries whose ports mean the same to a workload: these share its endpoint. */
  readonly portsKey: string;
}

/** What a selector may choose. A platform's workload stays as it came: few of them are ever selected. */
type Candidate = SelectableWorkload | Workload;

export function createServiceEntryIndex(): ServiceEntryIndex {
  const entries = new Map<RuleId, Entry>();
  const byHost = new Map<ServiceKey, Set<Entry>>();
  /** By the first label of their selectors, where a workload with that label finds them. */
  const selectors = new Map<string, Set<Entry>>();
  const workloadEntries = new Map<string, Candidate>();
  /** Of each namespace of each adapter, by name. */
  const workloads = new Map<string, Map<string, Candidate>>();
  const byLabel = createLabelIndex<Candidate>();
  const uncallable = new Map<RuleId, string>();
  const told = new Map<ServiceKey, Service>();
  const dirty = new Set<ServiceKey>();
  /** One endpoint for each workload and meaning of ports, however many entries select it. */
  const endpoints = new WeakMap<Candidate, Map<string, Endpoint>>();

  function addEntry(rule: Rule<string, ServiceEntrySpec>): void {
    const { spec } = rule;
    const selector = spec.workloadSelector === undefined ? null : (spec.workloadSelector.labels ?? {});
    const portsKey = JSON.stringify((spec.ports ?? []).map((p) => [p.name, p.targetPort ?? p.number]));
    const entry = { id: ruleId(rule), rule, translated: translateServiceEntry(rule), selector, portsKey };
    entries.set(entry.id, entry);
    for (const key of hostsOf(entry)) addTo(byHost, key, entry);
    if (selector !== null) addTo(selectors, selectorKey(rule.metadata.namespace, selector), entry);
    markHosts(entry);
  }

  function removeEntry(id: RuleId): void {
    const entry = entries.get(id);
    if (entry === undefined) return;
    entries.delete(id);
    for (const key of hostsOf(entry)) removeFrom(byHost, key, entry);
    if (entry.selector !== null)
      removeFrom(selectors, selectorKey(entry.rule.metadata.namespace, entry.selector), entry);
    markHosts(entry);
  }

  function markHosts(entry: Entry): void {
    for (const key of hostsOf(entry)) dirty.add(key);
  }

  function setCandidate(among: Map<string, Candidate>, name: string, workload: Candidate | null): void {
    const known = among.get(name);
    if (known !== undefined) {
      among.delete(name);
      byLabel.remove(known.namespace, known.labels, known);
      markSelecting(known);
    }
    if (workload === null) return;
    among.set(name, workload);
    byLabel.add(workload.namespace, workload.labels, workload);
    markSelecting(workload);
  }

  function markSelecting(workload: Candidate): void {
    for (const entry of selecting(workload)) markHosts(entry);
  }

  function* selecting(workload: Candidate): Generator<Entry> {
    for (const key of keysOf(workload.namespace, workload.labels)) {
      for (const entry of selectors.get(key) ?? []) {
        if (entry.selector !== null && selects(entry.selector, workload.labels)) yield entry;
      }
    }
  }

  function selectedBy(entry: Entry): readonly Endpoint[] {
    const { selector } = entry;
    if (selector === null) return [];
    const candidates = [...byLabel.candidates(entry.rule.metadata.namespace, selector)];
    return candidates
      .filter((workload) => selects(selector, workload.labels))
      .flatMap((workload) => endpointOf(workload, entry) ?? []);
  }

  function endpointOf(workload: Candidate, entry: Entry): Endpoint | null {
    const known = endpoints.get(workload) ?? new Map<string, Endpoint>();
    endpoints.set(workload, known);
    const endpoint = known.get(entry.portsKey) ?? makeEndpoint(workload, entry.rule.spec);
    if (endpoint !== null) known.set(entry.portsKey, endpoint);
    return endpoint;
  }

  /** The oldest makes the service; younger entries add their endpoints, if these are found in the same way. */
  function contributorsTo(key: ServiceKey): readonly Entry[] {
    const sorted = [...(byHost.get(key) ?? [])].sort((a, b) => comparePrecedence(a.rule, b.rule));
    const resolutionOf = (entry: Entry | undefined) =>
      entry === undefined ? undefined : hostOf(entry, key)?.service.resolution;
    return sorted.filter((entry) => entry === sorted[0] || resolutionOf(entry) === resolutionOf(sorted[0]));
  }

  const servicesBy = (entry: Entry): readonly ServiceKey[] =>
    hostsOf(entry).filter((key) => contributorsTo(key).includes(entry));

  function changesOf(key: ServiceKey): readonly ShardChange[] {
    const contributors = contributorsTo(key);
    const winner = contributors[0];
    const known = told.get(key);
    const host = winner === undefined ? undefined : hostOf(winner, key);
    if (winner === undefined || host === undefined) {
      told.delete(key);
      return known === undefined
        ? []
        : [{ type: 'service-removed', namespace: known.namespace, hostname: known.hostname }];
    }
    const { service } = host;
    told.set(key, service);
    const all = contributors.flatMap((entry) => [...(hostOf(entry, key)?.endpoints ?? []), ...selectedBy(entry)]);
    const set = { namespace: service.namespace, hostname: service.hostname, endpoints: all };
    return [...(service === known ? [] : [{ type: 'service', service } as const]), { type: 'endpoints', set }];
  }

  return {
    ruleChanged(rule) {
      const id = ruleId(rule);
      if (isServiceEntry(rule)) {
        removeEntry(id);
        addEntry(rule);
      } else if (isWorkloadEntry(rule)) {
        const reason = uncallableReason(rule.spec);
        if (reason === null) uncallable.delete(id);
        else uncallable.set(id, `spec.address: ${reason}`);
        setCandidate(workloadEntries, id, translateWorkloadEntry(rule));
      }
    },
    ruleRemoved(id) {
      removeEntry(id);
      uncallable.delete(id);
      setCandidate(workloadEntries, id, null);
    },
    workloadChanged(adapter, workload) {
      const place = `${adapter}/${workload.namespace}`;
      const among = workloads.get(place) ?? new Map<string, Candidate>();
      workloads.set(place, among);
      setCandidate(among, workload.name, workload);
    },
    workloadRemoved(adapter, namespace, name) {
      const place = `${adapter}/${namespace}`;
      const among = workloads.get(place);
      if (among === undefined) return;
      setCandidate(among, name, null);
      if (among.size === 0) workloads.delete(place);
    },
    takeChanges() {
      const changes = [...dirty].flatMap(changesOf);
      dirty.clear();
      return changes;
    },
    servicesOf(id) {
      const entry = entries.get(id);
      if (entry !== undefined) return servicesBy(entry);
      const workload = workloadEntries.get(id);
      return workload === undefined ? [] : [...new Set([...selecting(workload)].flatMap(servicesBy))];
    },
    problems: () => problemsOf(entries.values(), byHost, uncallable),
  };
}

// The kind says what the schema made of the spec: rules arrive validated.
const isServiceEntry = (rule: Rule): rule is Rule<string, ServiceEntrySpec> => rule.kind === 'ServiceEntry';
const isWorkloadEntry = (rule: Rule): rule is Rule<string, WorkloadEntrySpec> => rule.kind === 'WorkloadEntry';

const keyOfService = (service: Service): ServiceKey => serviceKey(service.namespace, service.hostname);

const hostsOf = (entry: Entry): readonly ServiceKey[] =>
  entry.translated.hosts.map(({ service }) => keyOfService(service));

const hostOf = (entry: Entry, key: ServiceKey) =>
  entry.translated.hosts.find(({ service }) => keyOfService(service) === key);

/** Where a selector waits for workloads: at one of its label pairs, or at its whole namespace. */
const selectorKey = (namespace: string, selector: Readonly<Record<string, string>>): string =>
  keysOf(namespace, selector).at(-1) ?? namespace;

function makeEndpoint(candidate: Candidate, spec: ServiceEntrySpec): Endpoint | null {
  const workload = 'addresses' in candidate ? selectableOf(candidate) : candidate;
  if (workload === null) return null;
  const { address, labels, weight, locality, network, cluster, health, namespace, name } = workload;
  const ports = endpointPorts(spec.ports, workload.ports);
  return { address, ports, labels, weight, locality, network, cluster, health, workload: { namespace, name } };
}

function problemsOf(
  entries: Iterable<Entry>,
  byHost: ReadonlyMap<ServiceKey, ReadonlySet<Entry>>,
  uncallable: ReadonlyMap<RuleId, string>,
): ReadonlyMap<RuleId, readonly string[]> {
  const problems = new Map<RuleId, readonly string[]>();
  for (const [id, message] of uncallable) problems.set(id, [message]);
  for (const entry of entries) {
    const messages = [...entry.translated.notes];
    for (const key of hostsOf(entry)) {
      const [winner] = [...(byHost.get(key) ?? [])].sort((a, b) => comparePrecedence(a.rule, b.rule));
      if (winner !== undefined && winner !== entry)
        messages.push(`${key} is defined already, by the older ${winner.id}`);
    }
    if (messages.length > 0) problems.set(entry.id, messages);
  }
  return problems;
}

function addTo<K, V>(sets: Map<K, Set<V>>, key: K, value: V): void {
  const known = sets.get(key);
  if (known === undefined) sets.set(key, new Set([value]));
  else known.add(value);
}

function removeFrom<K, V>(sets: Map<K, Set<V>>, key: K, value: V): void {
  const known = sets.get(key);
  known?.delete(value);
  if (known?.size === 0) sets.delete(key);
}
