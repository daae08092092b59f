import { isDeepStrictEqual } from 'node:util';
import type { ShardChange } from '../../adapter-contract/adapter.ts';
import type { Workload } from '../../model/endpoint.ts';
import type { ServiceKey } from '../../model/names.ts';
import type { Service } from '../../model/service.ts';
import type { ServiceEntrySpec } from '../kinds/service-entry/schema.ts';
import type { WorkloadEntrySpec } from '../kinds/workload-entry/schema.ts';
import {
  type SelectableWorkload,
  translateWorkloadEntry,
  uncallableReason,
} from '../kinds/workload-entry/translate.ts';
import { type Rule, type RuleId, ruleId } from '../rule.ts';
import { createEntriesByHost, type EntriesByHost, type IndexedServiceEntry } from './entries-by-host.ts';
import { withPortNames } from './merge-hosts.ts';
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

export function createServiceEntryIndex(): ServiceEntryIndex {
  const entries = createEntriesByHost();
  const candidates = createCandidates();
  const selections = createWorkloadSelections<IndexedServiceEntry>();
  /** Selections of the entries that select workloads. */
  const selected = new Map<IndexedServiceEntry, WorkloadSelection<IndexedServiceEntry>>();
  const uncallable = new Map<RuleId, string>();
  const published = new Map<ServiceKey, Service>();
  const dirty = new Set<ServiceKey>();

  function addEntry(rule: Rule<string, ServiceEntrySpec>): void {
    const entry = entries.add(rule);
    const { workloadSelector, ports } = rule.spec;
    if (workloadSelector !== undefined) {
      const terms = { namespace: rule.metadata.namespace, selector: workloadSelector.labels ?? {}, ports };
      selected.set(entry, selections.acquire(entry, terms));
    }
    markHosts(entry);
  }

  /**
   * Removes an entry. Returns a function that releases its selection, to be called after a replacement has acquired its
   * own: the two may be equal.
   */
  function removeEntry(id: RuleId): () => void {
    const entry = entries.remove(id);
    if (entry === undefined) return () => {};
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

  function markUsers(chosen: readonly WorkloadSelection<IndexedServiceEntry>[]): void {
    for (const { users } of chosen) for (const entry of users) markHosts(entry);
  }

  /** Updates the selections after a candidate was replaced. */
  function replaced({ before, after }: CandidateChange): void {
    if (before !== null) markUsers(selections.remove(before));
    if (after !== null) markUsers(selections.add(after));
  }

  function problemsOf(id: RuleId): readonly string[] {
    const entry = entries.get(id);
    if (entry !== undefined) return entries.problemsOf(entry);
    const reason = uncallable.get(id);
    return reason === undefined ? [] : [reason];
  }

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
        replaced(candidates.setWorkloadEntry(id, translateWorkloadEntry(rule)));
      }
    },
    ruleRemoved(id) {
      removeEntry(id)();
      uncallable.delete(id);
      replaced(candidates.setWorkloadEntry(id, null));
    },
    workloadChanged(adapter, workload) {
      replaced(candidates.setWorkload(`${adapter}/${workload.namespace}`, workload.name, workload));
    },
    workloadRemoved(adapter, namespace, name) {
      replaced(candidates.setWorkload(`${adapter}/${namespace}`, name, null));
    },
    workloadOf: candidates.workloadEntry,
    takeChanges() {
      const changes = [...dirty].flatMap((key) => changesOf(key, { entries, selected, published }));
      dirty.clear();
      return changes;
    },
    servicesOf(id) {
      const entry = entries.get(id);
      if (entry !== undefined) return entries.servicesOf(entry);
      const workload = candidates.workloadEntry(id);
      return workload === null
        ? []
        : [...new Set(selections.of(workload).flatMap(({ users }) => [...users].flatMap(entries.servicesOf)))];
    },
    problemsOf,
    problems() {
      const ids = new Set([...uncallable.keys(), ...entries.idsWithProblems()]);
      return new Map([...ids].map((id) => [id, problemsOf(id)] as const).filter(([, messages]) => messages.length > 0));
    },
  };
}

interface PublishedState {
  readonly entries: Pick<EntriesByHost, 'merged'>;
  readonly selected: ReadonlyMap<IndexedServiceEntry, WorkloadSelection<IndexedServiceEntry>>;
  /** Services as last published; updated here. */
  readonly published: Map<ServiceKey, Service>;
}

/** Computes the changes of one host since it was last published. */
function changesOf(key: ServiceKey, { entries, selected, published }: PublishedState): readonly ShardChange[] {
  const host = entries.merged(key);
  const known = published.get(key);
  if (host === null) {
    published.delete(key);
    return known === undefined
      ? []
      : [{ type: 'service-removed', namespace: known.namespace, hostname: known.hostname }];
  }
  const { service, contributors } = host;
  published.set(key, service);
  const all = contributors.flatMap(({ source, portNames }) =>
    withPortNames(
      [...(source.hosts.get(key)?.endpoints ?? []), ...(selected.get(source)?.endpoints() ?? [])],
      portNames,
    ),
  );
  const set = { namespace: service.namespace, hostname: service.hostname, endpoints: all };
  const isChanged = known === undefined || !isDeepStrictEqual(service, known);
  return [...(isChanged ? [{ type: 'service', service } as const] : []), { type: 'endpoints', set }];
}

/** A workload that ServiceEntries can select, before and after it was set. Null: none. */
interface CandidateChange {
  readonly before: WorkloadCandidate | null;
  readonly after: WorkloadCandidate | null;
}

/** Workloads that ServiceEntries can select: WorkloadEntries by id, and workloads of adapters by place and name. */
function createCandidates() {
  const workloadEntries = new Map<RuleId, SelectableWorkload>();
  const workloads = new Map<string, Map<string, WorkloadCandidate>>();
  const set = <C extends WorkloadCandidate>(among: Map<string, C>, name: string, after: C | null): CandidateChange => {
    const before = among.get(name) ?? null;
    among.delete(name);
    if (after !== null) among.set(name, after);
    return { before, after };
  };
  return {
    workloadEntry: (id: RuleId): SelectableWorkload | null => workloadEntries.get(id) ?? null,
    setWorkloadEntry: (id: RuleId, workload: SelectableWorkload | null) => set(workloadEntries, id, workload),
    /** `place` is the adapter and namespace of the workload. */
    setWorkload(place: string, name: string, workload: WorkloadCandidate | null): CandidateChange {
      const among = workloads.get(place) ?? new Map<string, WorkloadCandidate>();
      const change = set(among, name, workload);
      if (among.size === 0) workloads.delete(place);
      else workloads.set(place, among);
      return change;
    },
  };
}

// Both casts are sound: rules are validated, and the kind determines the type of the spec.
const isServiceEntry = (rule: Rule): rule is Rule<string, ServiceEntrySpec> => rule.kind === 'ServiceEntry';
const isWorkloadEntry = (rule: Rule): rule is Rule<string, WorkloadEntrySpec> => rule.kind === 'WorkloadEntry';
