import type { ShardChange } from '../../adapter-contract/adapter.ts';
import type { Workload } from '../../model/endpoint.ts';
import { type ServiceKey, serviceKey } from '../../model/names.ts';
import type { Service } from '../../model/service.ts';
import type { ServiceEntrySpec } from '../kinds/service-entry/schema.ts';
import { type TranslatedServiceEntry, translateServiceEntry } from '../kinds/service-entry/translate.ts';
import type { WorkloadEntrySpec } from '../kinds/workload-entry/schema.ts';
import {
  type SelectableWorkload,
  translateWorkloadEntry,
  uncallableReason,
} from '../kinds/workload-entry/translate.ts';
import { comparePrecedence, type Rule, type RuleId, ruleId } from '../rule.ts';
import { createWorkloadSelections, type WorkloadCandidate, type WorkloadSelection } from './selections.ts';

/**
 * Translates ServiceEntries and the workloads that they select into services and endpoint sets of one shard. Changes
 * only mark the affected hosts. `takeChanges` computes each marked host once, however many changes there were.
 */
export interface ServiceEntryIndex {
  /** Adds or replaces a ServiceEntry or WorkloadEntry, which must be validated. Ignores rules of other kinds. */
  ruleChanged(rule: Rule): void;
  ruleRemoved(id: RuleId): void;
  /** Adds or replaces a workload. `adapter` names the shard: equal names of two platforms are different workloads. */
  workloadChanged(adapter: string, workload: Workload): void;
  workloadRemoved(adapter: string, namespace: string, name: string): void;
  /** Returns the workload of a WorkloadEntry; null if the entry has no address that a proxy can call. */
  workloadOf(id: RuleId): SelectableWorkload | null;
  /** Returns the changes since the last call, for the shard's `apply`. */
  takeChanges(): readonly ShardChange[];
  /** Returns the services that a ServiceEntry defines or adds to, or those that have a WorkloadEntry as an endpoint. */
  servicesOf(id: RuleId): readonly ServiceKey[];
  /** Returns messages for the author of a valid rule. */
  problemsOf(id: RuleId): readonly string[];
  /** Returns the messages of all rules that have some. The cost is proportional to the result. */
  problems(): ReadonlyMap<RuleId, readonly string[]>;
}

/** A ServiceEntry in the index. */
interface IndexedServiceEntry {
  readonly id: RuleId;
  readonly rule: Rule<string, ServiceEntrySpec>;
  readonly translated: TranslatedServiceEntry;
  readonly hosts: ReadonlyMap<ServiceKey, EntryHost>;
}

type EntryHost = TranslatedServiceEntry['hosts'][number];

export function createServiceEntryIndex(): ServiceEntryIndex {
  const entries = new Map<RuleId, IndexedServiceEntry>();
  const byHost = new Map<ServiceKey, Set<IndexedServiceEntry>>();
  const workloadEntries = new Map<RuleId, SelectableWorkload>();
  /** Workloads by name, for each namespace of each adapter. */
  const workloads = new Map<string, Map<string, WorkloadCandidate>>();
  const selections = createWorkloadSelections<IndexedServiceEntry>();
  /** Selections of the entries that select workloads. */
  const selected = new Map<IndexedServiceEntry, WorkloadSelection<IndexedServiceEntry>>();
  const uncallable = new Map<RuleId, string>();
  /** Entries with notes, and hosts that several entries define: only these can have problems. */
  const noted = new Set<RuleId>();
  const contested = new Set<ServiceKey>();
  const told = new Map<ServiceKey, Service>();
  const dirty = new Set<ServiceKey>();

  function addEntry(rule: Rule<string, ServiceEntrySpec>): void {
    const translated = translateServiceEntry(rule);
    const hosts = new Map(translated.hosts.map((host) => [keyOfService(host.service), host]));
    const entry = { id: ruleId(rule), rule, translated, hosts };
    entries.set(entry.id, entry);
    for (const key of entry.hosts.keys()) {
      addTo(byHost, key, entry);
      if (byHost.get(key)?.size === 2) contested.add(key);
    }
    if (entry.translated.notes.length > 0) noted.add(entry.id);
    const { workloadSelector, ports } = rule.spec;
    if (workloadSelector !== undefined) {
      const terms = { namespace: rule.metadata.namespace, selector: workloadSelector.labels ?? {}, ports };
      selected.set(entry, selections.acquire(entry, terms));
    }
    markHosts(entry);
  }

  /** @returns what gives its selection back: later than one that takes its place acquires its own, which may be equal. */
  function removeEntry(id: RuleId): () => void {
    const entry = entries.get(id);
    if (entry === undefined) return () => {};
    entries.delete(id);
    noted.delete(id);
    for (const key of entry.hosts.keys()) {
      removeFrom(byHost, key, entry);
      if (byHost.get(key)?.size === 1) contested.delete(key);
    }
    const selection = selected.get(entry);
    selected.delete(entry);
    markHosts(entry);
    return () => {
      if (selection !== undefined) selections.release(entry, selection);
    };
  }

  function markHosts(entry: IndexedServiceEntry): void {
    for (const key of entry.hosts.keys()) dirty.add(key);
  }

  function setCandidate<C extends WorkloadCandidate>(among: Map<string, C>, name: string, workload: C | null): void {
    const known = among.get(name);
    if (known !== undefined) {
      among.delete(name);
      markUsers(selections.remove(known));
    }
    if (workload === null) return;
    among.set(name, workload);
    markUsers(selections.add(workload));
  }

  function markUsers(chosen: readonly WorkloadSelection<IndexedServiceEntry>[]): void {
    for (const { users } of chosen) for (const entry of users) markHosts(entry);
  }

  /**
   * Returns the entries that define a host. The oldest defines the service. Younger ones add their endpoints if they
   * have the same resolution.
   */
  function contributorsTo(key: ServiceKey): readonly IndexedServiceEntry[] {
    const sorted = [...(byHost.get(key) ?? [])].sort((a, b) => comparePrecedence(a.rule, b.rule));
    const resolutionOf = (entry: IndexedServiceEntry | undefined) => entry?.hosts.get(key)?.service.resolution;
    return sorted.filter((entry) => entry === sorted[0] || resolutionOf(entry) === resolutionOf(sorted[0]));
  }

  const servicesBy = (entry: IndexedServiceEntry): readonly ServiceKey[] =>
    [...entry.hosts.keys()].filter((key) => contributorsTo(key).includes(entry));

  function changesOf(key: ServiceKey): readonly ShardChange[] {
    const contributors = contributorsTo(key);
    const winner = contributors[0];
    const known = told.get(key);
    const host = winner?.hosts.get(key);
    if (winner === undefined || host === undefined) {
      told.delete(key);
      return known === undefined
        ? []
        : [{ type: 'service-removed', namespace: known.namespace, hostname: known.hostname }];
    }
    const { service } = host;
    told.set(key, service);
    const all = contributors.flatMap((entry) => [
      ...(entry.hosts.get(key)?.endpoints ?? []),
      ...(selected.get(entry)?.endpoints() ?? []),
    ]);
    const set = { namespace: service.namespace, hostname: service.hostname, endpoints: all };
    return [...(service === known ? [] : [{ type: 'service', service } as const]), { type: 'endpoints', set }];
  }

  function problemsOf(id: RuleId): readonly string[] {
    const entry = entries.get(id);
    if (entry === undefined) return uncallable.has(id) ? [uncallable.get(id) ?? ''] : [];
    const lost = [...entry.hosts.keys()].flatMap((key) => {
      const older = contested.has(key) ? oldestOf(key) : undefined;
      return older === undefined || older === entry ? [] : [`${key} is defined already, by the older ${older.id}`];
    });
    return [...entry.translated.notes, ...lost];
  }

  const oldestOf = (key: ServiceKey): IndexedServiceEntry | undefined =>
    [...(byHost.get(key) ?? [])].reduce<IndexedServiceEntry | undefined>(
      (oldest, entry) => (oldest === undefined || comparePrecedence(entry.rule, oldest.rule) < 0 ? entry : oldest),
      undefined,
    );

  return {
    ruleChanged(rule) {
      const id = ruleId(rule);
      if (isServiceEntry(rule)) {
        const release = removeEntry(id);
        addEntry(rule);
        release();
      } else if (isWorkloadEntry(rule)) {
        const reason = uncallableReason(rule.spec);
        if (reason === null) uncallable.delete(id);
        else uncallable.set(id, `spec.address: ${reason}`);
        setCandidate(workloadEntries, id, translateWorkloadEntry(rule));
      }
    },
    ruleRemoved(id) {
      removeEntry(id)();
      uncallable.delete(id);
      setCandidate(workloadEntries, id, null);
    },
    workloadChanged(adapter, workload) {
      const place = `${adapter}/${workload.namespace}`;
      const among = workloads.get(place) ?? new Map<string, WorkloadCandidate>();
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
    workloadOf: (id) => workloadEntries.get(id) ?? null,
    takeChanges() {
      const changes = [...dirty].flatMap(changesOf);
      dirty.clear();
      return changes;
    },
    servicesOf(id) {
      const entry = entries.get(id);
      if (entry !== undefined) return servicesBy(entry);
      const workload = workloadEntries.get(id);
      return workload === undefined
        ? []
        : [...new Set(selections.of(workload).flatMap(({ users }) => [...users].flatMap(servicesBy)))];
    },
    problemsOf,
    problems() {
      const definers = [...contested].flatMap((key) => [...(byHost.get(key) ?? [])]);
      const ids = new Set([...uncallable.keys(), ...noted, ...definers.map(({ id }) => id)]);
      return new Map([...ids].map((id) => [id, problemsOf(id)] as const).filter(([, messages]) => messages.length > 0));
    },
  };
}

// Both casts are sound: rules are validated, and the kind determines the type of the spec.
const isServiceEntry = (rule: Rule): rule is Rule<string, ServiceEntrySpec> => rule.kind === 'ServiceEntry';
const isWorkloadEntry = (rule: Rule): rule is Rule<string, WorkloadEntrySpec> => rule.kind === 'WorkloadEntry';

const keyOfService = (service: Service): ServiceKey => serviceKey(service.namespace, service.hostname);

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
