import { isDeepStrictEqual } from 'node:util';
import type { ShardChange } from '../../adapter-contract/adapter.ts';
import type { Workload } from '../../model/endpoint.ts';
import { hostOfKey, isWildcard, namespaceOfKey, type ServiceKey, serviceKey } from '../../model/names.ts';
import type { Service } from '../../model/service.ts';
import type { ServiceEntrySpec } from '../kinds/service-entry/schema.ts';
import type { WorkloadEntrySpec } from '../kinds/workload-entry/schema.ts';
import {
  type SelectableWorkload,
  translateWorkloadEntry,
  uncallableReason,
} from '../kinds/workload-entry/translate.ts';
import { type Rule, type RuleId, ruleId } from '../rule.ts';
import type { HostAddress } from '../status.ts';
import { type AutoAddressPool, createAutoAddressPool } from './auto-addresses.ts';
import { createEntriesByHost, type EntriesByHost, type IndexedServiceEntry } from './entries-by-host.ts';
import { withPortNames } from './merge-hosts.ts';
import { createSelectingServices, type SelectingServices } from './selecting-services.ts';
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
  /** Adds or replaces a platform's service, whose selector may choose WorkloadEntries. */
  serviceChanged(service: Service): void;
  serviceRemoved(key: ServiceKey): void;
  /** Returns the workload of a WorkloadEntry; null if the entry has no address that a proxy can call. */
  workloadOf(id: RuleId): SelectableWorkload | null;
  /** Returns the changes since the last call, for the shard's `apply`. */
  takeChanges(): readonly ShardChange[];
  /** Returns the allocated addresses of the hosts of a ServiceEntry, as of the last `takeChanges`. */
  addressesOf(id: RuleId): readonly HostAddress[];
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
  const selecting = createSelectingServices();
  const addresses = createAutoAddressPool();
  const uncallable = new Map<RuleId, string>();
  const published: PublishedHosts = { services: new Map(), sets: new Set() };
  const dirty = new Set<ServiceKey>();

  function addEntry(rule: Rule<string, ServiceEntrySpec>): void {
    const entry = entries.add(rule);
    const { workloadSelector, ports } = rule.spec;
    if (workloadSelector !== undefined) {
      const selector = workloadSelector.labels ?? {};
      const terms = { namespace: rule.metadata.namespace, selector, ports: ports ?? [] };
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

  /** Sets a WorkloadEntry, which services may select, too. */
  function setWorkloadEntry(id: RuleId, workload: SelectableWorkload | null): void {
    for (const key of selecting.replaced(candidates.workloadEntry(id), workload)) dirty.add(key);
    replaced(candidates.setWorkloadEntry(id, workload));
  }

  /** Allocates addresses for the changed hosts, and marks those whose addresses change by it. */
  function allocate(): void {
    for (const key of dirty) {
      const service = entries.merged(key)?.service;
      if (service !== undefined && needsAddress(service)) addresses.claim(key, service.createdAtMs);
      else addresses.release(key);
    }
    for (const key of addresses.takeMoved()) dirty.add(key);
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
        setWorkloadEntry(id, translateWorkloadEntry(rule));
      }
    },
    ruleRemoved(id) {
      removeEntry(id)();
      uncallable.delete(id);
      setWorkloadEntry(id, null);
    },
    workloadChanged(adapter, workload) {
      replaced(candidates.setWorkload(`${adapter}/${workload.namespace}`, workload.name, workload));
    },
    workloadRemoved(adapter, namespace, name) {
      replaced(candidates.setWorkload(`${adapter}/${namespace}`, name, null));
    },
    serviceChanged(service) {
      if (selecting.put(service)) dirty.add(serviceKey(service.namespace, service.hostname));
    },
    serviceRemoved(key) {
      if (selecting.remove(key)) dirty.add(key);
    },
    workloadOf: candidates.workloadEntry,
    takeChanges() {
      allocate();
      const sources = { entries, selected, selecting, addresses, published };
      const changes = [...dirty].flatMap((key) => changesOf(key, sources));
      dirty.clear();
      return changes;
    },
    addressesOf: (id) =>
      [...(entries.get(id)?.hosts.keys() ?? [])].flatMap((key) =>
        (addresses.of(key) ?? []).map((value) => ({ host: hostOfKey(key), value })),
      ),
    servicesOf(id) {
      const entry = entries.get(id);
      if (entry !== undefined) return entries.servicesOf(entry);
      const workload = candidates.workloadEntry(id);
      if (workload === null) return [];
      const ofEntries = selections.of(workload).flatMap(({ users }) => [...users].flatMap(entries.servicesOf));
      return [...new Set([...ofEntries, ...selecting.choosing(workload)])];
    },
    problemsOf,
    problems() {
      const ids = new Set([...uncallable.keys(), ...entries.idsWithProblems()]);
      return new Map([...ids].map((id) => [id, problemsOf(id)] as const).filter(([, messages]) => messages.length > 0));
    },
  };
}

/** Hosts as last published. */
interface PublishedHosts {
  readonly services: Map<ServiceKey, Service>;
  readonly sets: Set<ServiceKey>;
}

interface Sources {
  readonly entries: Pick<EntriesByHost, 'merged'>;
  readonly selected: ReadonlyMap<IndexedServiceEntry, WorkloadSelection<IndexedServiceEntry>>;
  readonly selecting: Pick<SelectingServices, 'endpointsOf'>;
  readonly addresses: Pick<AutoAddressPool, 'of'>;
  /** Updated here. */
  readonly published: PublishedHosts;
}

/** Computes the changes of one host since it was last published. */
function changesOf(key: ServiceKey, sources: Sources): readonly ShardChange[] {
  const { entries, selected, selecting, published } = sources;
  const host = entries.merged(key);
  const own = (host?.contributors ?? []).flatMap(({ source, portNames }) =>
    withPortNames(
      [...(source.hosts.get(key)?.endpoints ?? []), ...(selected.get(source)?.endpoints() ?? [])],
      portNames,
    ),
  );
  const endpoints = [...own, ...selecting.endpointsOf(key)];
  const [namespace, hostname] = [namespaceOfKey(key), hostOfKey(key)];
  const set = { type: 'endpoints', set: { namespace, hostname, endpoints } } as const;
  const known = published.services.get(key);
  if (host === null) {
    const hadSet = published.sets.delete(key);
    published.services.delete(key);
    const removed: readonly ShardChange[] = hadSet ? [{ type: 'service-removed', namespace, hostname }] : [];
    if (endpoints.length === 0) return removed;
    published.sets.add(key);
    return known === undefined ? [set] : [...removed, set];
  }
  const autoAddresses = sources.addresses.of(key);
  const service = autoAddresses === null ? host.service : { ...host.service, autoAddresses };
  published.services.set(key, service);
  published.sets.add(key);
  const isChanged = known === undefined || !isDeepStrictEqual(service, known);
  return [...(isChanged ? [{ type: 'service', service } as const] : []), set];
}

/** Returns true if an address is to be allocated. Wildcards have no address, and `NONE` keeps the one that was called. */
const needsAddress = ({ vips, resolution, hostname, labels }: Service): boolean =>
  vips.length === 0 &&
  resolution !== 'passthrough' &&
  !isWildcard(hostname) &&
  labels['networking.istio.io/enable-autoallocate-ip']?.toLowerCase() !== 'false';

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
