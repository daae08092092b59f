import type { Endpoint, Workload } from '../../model/endpoint.ts';
import { endpointPorts, type TargetPort } from '../kinds/service-entry/translate.ts';
import { type SelectableWorkload, selectableOf } from '../kinds/workload-entry/translate.ts';
import { type Labels, selects } from '../labels.ts';
import { createLabelIndex, keysOf } from './label-index.ts';

/** A workload that a selector may choose. A platform's workload is translated only when selected, which is rare. */
export type WorkloadCandidate = SelectableWorkload | Workload;

/** Determines the selected workloads, and their ports. */
export interface SelectionTerms {
  readonly namespace: string;
  readonly selector: Labels;
  readonly ports: readonly TargetPort[];
}

/** The workloads chosen by equal selectors with equal ports, as endpoints. */
export interface WorkloadSelection<User> {
  /** The holders of this selection. */
  readonly users: ReadonlySet<User>;
  /** Returns the same array until the selection changes. */
  endpoints(): readonly Endpoint[];
}

/** Maintains all selections. Adding or removing a workload costs time only for the selections that choose it. */
export interface WorkloadSelections<User> {
  acquire(user: User, terms: SelectionTerms): WorkloadSelection<User>;
  release(user: User, selection: WorkloadSelection<User>): void;
  /** @returns the selections that choose the workload. */
  add(workload: WorkloadCandidate): readonly WorkloadSelection<User>[];
  remove(workload: WorkloadCandidate): readonly WorkloadSelection<User>[];
  of(workload: WorkloadCandidate): readonly WorkloadSelection<User>[];
  /** Number of selections plus stored lists of ports. */
  readonly size: number;
}

export function createWorkloadSelections<User>(): WorkloadSelections<User> {
  const byTerms = new Map<string, StoredSelection<User>>();
  /** Selections by the last label of their selectors. A workload with that label finds them here. */
  const bySelector = new Map<string, Set<StoredSelection<User>>>();
  const byLabel = createLabelIndex<WorkloadCandidate>();
  const kept = new WeakMap<WorkloadSelection<User>, StoredSelection<User>>();
  /** Endpoints by ports and workload, while some selection has these ports. Selections with equal ports share an endpoint. */
  const endpoints = new Map<string, { selections: number; readonly of: WeakMap<WorkloadCandidate, Endpoint> }>();

  const open = (key: string, terms: SelectionTerms): StoredSelection<User> => {
    const selection = new StoredSelection<User>(key, terms);
    const { namespace, selector } = terms;
    const made = endpoints.get(selection.portsKey) ?? { selections: 0, of: new WeakMap<WorkloadCandidate, Endpoint>() };
    made.selections++;
    endpoints.set(selection.portsKey, made);
    for (const workload of byLabel.candidates(namespace, selector)) {
      if (selects(selector, workload.labels)) selection.put(workload, endpointOf(workload, selection));
    }
    byTerms.set(key, selection);
    const place = placeOf(selection);
    bySelector.set(place, (bySelector.get(place) ?? new Set()).add(selection));
    kept.set(selection, selection);
    return selection;
  };

  const close = (selection: StoredSelection<User>) => {
    byTerms.delete(selection.key);
    const place = placeOf(selection);
    const others = bySelector.get(place);
    others?.delete(selection);
    if (others?.size === 0) bySelector.delete(place);
    const made = endpoints.get(selection.portsKey);
    if (made !== undefined && --made.selections === 0) endpoints.delete(selection.portsKey);
  };

  const endpointOf = (workload: WorkloadCandidate, { portsKey, terms }: StoredSelection<User>): Endpoint | null => {
    const known = endpoints.get(portsKey)?.of;
    const endpoint = known?.get(workload) ?? makeEndpoint(workload, terms.ports);
    if (endpoint !== null) known?.set(workload, endpoint);
    return endpoint;
  };

  const choosing = ({ namespace, labels }: WorkloadCandidate): readonly StoredSelection<User>[] =>
    keysOf(namespace, labels).flatMap((key) =>
      [...(bySelector.get(key) ?? [])].filter(({ terms }) => selects(terms.selector, labels)),
    );

  return {
    acquire(user, terms) {
      const key = JSON.stringify([terms.namespace, Object.entries(terms.selector).sort(), portsKeyOf(terms.ports)]);
      const selection = byTerms.get(key) ?? open(key, terms);
      selection.users.add(user);
      return selection;
    },
    release(user, selection) {
      const own = kept.get(selection);
      if (own === undefined) return;
      own.users.delete(user);
      if (own.users.size === 0) close(own);
    },
    add(workload) {
      byLabel.add(workload.namespace, workload.labels, workload);
      const chosen = choosing(workload);
      for (const selection of chosen) selection.put(workload, endpointOf(workload, selection));
      return chosen;
    },
    remove(workload) {
      byLabel.remove(workload.namespace, workload.labels, workload);
      const chosen = choosing(workload);
      for (const selection of chosen) selection.put(workload, null);
      return chosen;
    },
    of: choosing,
    get size() {
      return byTerms.size + endpoints.size;
    },
  };
}

class StoredSelection<User> implements WorkloadSelection<User> {
  readonly key: string;
  readonly terms: SelectionTerms;
  /** Equal for port lists that give a workload equal endpoint ports. */
  readonly portsKey: string;
  readonly users = new Set<User>();
  readonly #members = new Map<WorkloadCandidate, Endpoint>();
  #list: readonly Endpoint[] | null = null;

  constructor(key: string, terms: SelectionTerms) {
    this.key = key;
    this.terms = terms;
    this.portsKey = portsKeyOf(terms.ports);
  }

  /** Sets the endpoint of a workload; null removes the workload. */
  put(workload: WorkloadCandidate, endpoint: Endpoint | null): void {
    if (endpoint === null) this.#members.delete(workload);
    else this.#members.set(workload, endpoint);
    this.#list = null;
  }

  endpoints(): readonly Endpoint[] {
    this.#list ??= [...this.#members.values()];
    return this.#list;
  }
}

const portsKeyOf = (ports: SelectionTerms['ports']): string =>
  JSON.stringify(ports.map(({ name, number, targetPort }) => [name, targetPort ?? number]));

/** Returns the key under which `bySelector` has a selection: the last label pair, or the whole namespace. */
const placeOf = <User>({ terms: { namespace, selector } }: StoredSelection<User>): string =>
  keysOf(namespace, selector).at(-1) ?? namespace;

function makeEndpoint(candidate: WorkloadCandidate, servicePorts: SelectionTerms['ports']): Endpoint | null {
  const workload = 'addresses' in candidate ? selectableOf(candidate) : candidate;
  if (workload === null) return null;
  const { address, labels, weight, locality, network, cluster, health, namespace, name } = workload;
  const ports = endpointPorts(servicePorts, workload);
  return { address, ports, labels, weight, locality, network, cluster, health, workload: { namespace, name } };
}
