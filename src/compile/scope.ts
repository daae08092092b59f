import type { HostPlan, PlanProblem } from '../plan/host.ts';
import type { EncodedResource, XdsType } from '../proto/resource.ts';
import type { Sidecar } from '../rules/kinds/sidecar/index.ts';
import type { RuleId } from '../rules/rule.ts';
import type { Contribution, LayerKey, TableChange } from './contract.ts';
import { dialectOf } from './dialect.ts';
import { resolveHost } from './resolve/host.ts';
import { createReader } from './resolve/reader.ts';
import { createVisibility } from './resolve/visibility.ts';
import type { ScopeFacts } from './scope-key.ts';
import type { Assignment, AssignmentPool, AssignmentUser } from './tables/assignments.ts';
import { contributionsOf, type PartsSince, partsSince, sinceNothing } from './tables/contributions.ts';
import { createCounts } from './tables/counts.ts';
import { createDependents } from './tables/dependents.ts';
import { type FixedContext, type FixedResources, fixedResources } from './tables/fixed-resources.ts';
import { encodeHost, type HostParts, noHost, originsOf, releaseHost, type Shelves } from './tables/host-parts.ts';
import { createListenerTable, type ListenerPart } from './tables/listener-table.ts';
import { PartError } from './tables/part-error.ts';
import type { ProblemIndex } from './tables/problem-index.ts';
import { createRouteTable } from './tables/route-table.ts';
import type { Shelved } from './tables/shelf.ts';
import { createTables } from './tables/tables.ts';
import { type Dirty, hostOfDep } from './world/dirty.ts';
import type { World } from './world/world.ts';

/** The outbound layer of all proxies with the same facts: what they may call. */
export interface Scope {
  readonly sidecar: RuleId | null;
  /** Marks the hosts that depend on what changed. */
  mark(dirty: Dirty): void;
  /**
   * Compiles what is dirty; `revision` is that of the result. What it has done stays done if it is not run to its end.
   */
  compile(revision: number): Generator<undefined, void, undefined>;
  takeChanges(): readonly TableChange[];
  originsOf(type: XdsType, name: string, part?: string): readonly string[];
  /** What a rule or service contributes to; `hosts` are those by which it may. */
  contributionsOf(origin: string, hosts: Iterable<string>): Iterable<Contribution>;
  dispose(): void;
}

export interface ScopeOptions {
  readonly key: LayerKey;
  readonly facts: ScopeFacts;
  readonly world: World;
  readonly shelves: Shelves;
  readonly assignments: AssignmentPool;
  readonly problems: ProblemIndex;
  onHostCompiled(): void;
}

/** What one host has in the scope. */
interface HostEntry {
  readonly parts: Shelved<HostParts>;
  readonly assignments: readonly Assignment[];
  readonly references: readonly string[];
  readonly dependencies: readonly string[];
  readonly problems: readonly PlanProblem[];
  readonly since: PartsSince;
}

const noEntry: HostEntry = {
  parts: noHost,
  assignments: [],
  references: [],
  dependencies: [],
  problems: [],
  since: sinceNothing,
};

/** What compiling makes of a host; installing adds the rest. */
type NewEntry = Omit<HostEntry, 'assignments' | 'since'>;

export function createScope(options: ScopeOptions): Scope {
  const { key, facts, world, shelves, assignments, problems, onHostCompiled } = options;
  const tables = createTables(key);
  const dialect = dialectOf(facts.client);
  const routes = createRouteTable(tables, shelves, dialect.routeEnd);
  const listeners = createListenerTable(tables, problems);
  const dependents = createDependents();
  /** Hosts that routes of other hosts lead to. */
  const referenced = createCounts();
  const entries = new Map<string, HostEntry>();
  const dirtyHosts = new Set<string>(world.hosts());
  let fixed: readonly Shelved<EncodedResource>[] = [];
  let isFixedDirty = true;
  let fixedProblems: readonly PlanProblem[] = [];
  let sidecar: Sidecar | null = facts.sidecar === null ? null : (world.rules.sidecar(facts.sidecar) ?? null);
  let visibility = createVisibility(world, facts, sidecar);
  const user: AssignmentUser = { assignmentChanged: (resource) => tables.set('endpoint', resource) };

  const markEverything = () => {
    for (const host of world.hosts()) dirtyHosts.add(host);
    for (const host of entries.keys()) dirtyHosts.add(host);
    isFixedDirty = true;
  };

  const compileFixed = () => {
    const unknownHosts = visibility.unknownHosts();
    isFixedDirty = false;
    routes.setUnknownHosts(unknownHosts);
    const before = fixed;
    const made = fixedOrKeep({ facts, unknownHosts, mesh: world.mesh() });
    if (made === null) return;
    const { clusters, listeners: own } = made;
    fixed = [...clusters, ...own];
    for (const { value } of clusters) tables.set('cluster', value);
    for (const { value } of own) tables.set('listener', value);
    for (const held of before) releaseFixed(held);
  };
  /** Null when the mesh configuration does not do: what there was stays. */
  const fixedOrKeep = (context: FixedContext): FixedResources | null => {
    const told = fixedProblems;
    fixedProblems = [];
    try {
      return fixedResources(context, shelves);
    } catch (error) {
      const message = `what every proxy has stays as it was: ${error instanceof Error ? error.message : error}`;
      fixedProblems = [{ origin: meshOrigin, message }];
      return null;
    } finally {
      problems.replace(told, fixedProblems);
    }
  };
  const releaseFixed = (held: Shelved<EncodedResource>) =>
    (held.value.name === 'virtualOutbound' ? shelves.listeners : shelves.clusters).release(held);

  const compileHost = (host: string, revision: number) => {
    const before = entries.get(host) ?? noEntry;
    const plan = resolveHost(createReader({ world, facts, visibility }, host), host, referenced.has(host));
    if (before === noEntry && isEmpty(plan)) return;
    onHostCompiled();
    const next = encodeOrKeep(plan, before);
    install(host, before, { ...next, since: partsSince(before, next.parts.value, revision) });
  };
  /** Content that does not fit its message, or that Envoy would reject, costs this host its update, and nobody else anything. */
  const encodeOrKeep = (plan: HostPlan, before: HostEntry): NewEntry => {
    const { references, dependencies } = plan;
    try {
      const parts = encodeHost(plan, before.parts.value, { dialect, shelves });
      return { parts, references, dependencies, problems: plan.problems };
    } catch (error) {
      const message = `${plan.host} keeps its last good configuration: ${error instanceof Error ? error.message : error}`;
      const origins = error instanceof PartError ? error.origins : originsOf(plan);
      return {
        parts: shelves.hosts.retain(before.parts),
        references: before.references,
        dependencies: [...new Set([...dependencies, ...before.dependencies])],
        problems: [...plan.problems, ...origins.map((origin) => ({ origin, message }))],
      };
    }
  };
  const install = (host: string, before: HostEntry, next: Omit<HostEntry, 'assignments'>) => {
    const acquired = next.parts.value.assignments.map((plan) => assignments.acquire(plan, user));
    const entry: HostEntry = { ...next, assignments: acquired };
    if (isEmpty(entry)) entries.delete(host);
    else entries.set(host, entry);
    for (const { value } of entry.parts.value.clusters) tables.set('cluster', value);
    for (const { resource } of acquired) tables.set('endpoint', resource);
    removeGone('cluster', before.parts.value.clusters.map(clusterName), entry.parts.value.clusters.map(clusterName));
    removeGone('endpoint', before.assignments.map(assignmentName), acquired.map(assignmentName));
    routes.replace(before.parts.value.virtualHosts, entry.parts.value.virtualHosts);
    listeners.replace(before.parts.value.listeners, entry.parts.value.listeners);
    dependents.replace(host, before.dependencies, entry.dependencies);
    for (const other of entry.references) if (referenced.add(other)) markReferenced(other);
    for (const other of before.references) if (referenced.remove(other)) markReferenced(other);
    for (const assignment of before.assignments) assignments.release(assignment, user);
    releaseHost(before.parts, shelves);
    problems.replace(before.problems, entry.problems);
  };
  /** A host that may be called has its destinations anyway. */
  const markReferenced = (host: string) => {
    if (visibility.callableService(host) === null) dirtyHosts.add(host);
  };
  const removeGone = (type: XdsType, before: readonly string[], after: readonly string[]) => {
    for (const name of before) if (!after.includes(name)) tables.delete(type, name);
  };

  return {
    sidecar: facts.sidecar,
    mark(dirty) {
      if (dirty.mesh) markEverything();
      if (facts.sidecar !== null && dirty.sidecars.has(facts.sidecar)) {
        // A Sidecar that is gone stays as it was: the proxies of this scope are about to leave it.
        sidecar = world.rules.sidecar(facts.sidecar) ?? sidecar;
        visibility = createVisibility(world, facts, sidecar);
        markEverything();
      }
      for (const dependency of dirty.keys) {
        const own = hostOfDep(dependency);
        if (own !== null) dirtyHosts.add(own);
        for (const host of dependents.of(dependency)) dirtyHosts.add(host);
      }
    },
    *compile(revision) {
      if (isFixedDirty) {
        compileFixed();
        yield;
      }
      // A host may make others dirty by referring to them: they join the set while it is walked.
      for (const host of dirtyHosts) {
        dirtyHosts.delete(host);
        compileHost(host, revision);
        yield;
      }
      yield* routes.settle();
      yield* listeners.settle();
    },
    takeChanges: () => tables.takeChanges(),
    originsOf(type, name, part) {
      if (type === 'route') return routes.originsOf(name, part);
      if (type === 'listener') return listeners.originsOf(name);
      return entries.get(name.slice(name.lastIndexOf('|') + 1))?.parts.value.destinationOrigins ?? []; // outbound|80||host
    },
    *contributionsOf(origin, hosts) {
      const standing = {
        hasVirtualHost: routes.has,
        hasListener: ({ name, resource }: ListenerPart) => tables.get('listener', name) === resource,
      };
      for (const host of hosts) {
        const entry = entries.get(host);
        if (entry === undefined) continue;
        for (const made of contributionsOf({ ...standing, parts: entry.parts, since: entry.since }, origin))
          yield { layer: key, ...made };
      }
    },
    dispose() {
      for (const { parts, assignments: held, problems: told } of entries.values()) {
        releaseHost(parts, shelves);
        problems.replace(told, []);
        for (const assignment of held) assignments.release(assignment, user);
      }
      entries.clear();
      problems.replace(fixedProblems, []);
      routes.dispose();
      listeners.dispose();
      for (const held of fixed) releaseFixed(held);
    },
  };
}

/** What a MeshConfig object is called; binnacle.yaml has no name of its own. */
const meshOrigin: RuleId = 'MeshConfig//default';

const clusterName = ({ value }: Shelved<EncodedResource>): string => value.name;
const assignmentName = ({ plan }: Assignment): string => plan.name;

/** Whether there is nothing of a host that would have to be remembered. */
function isEmpty(host: HostPlan | HostEntry): boolean {
  const { dependencies, problems } = host;
  const parts = 'parts' in host ? host.parts.value : null;
  const made = 'parts' in host ? [parts?.clusters, parts?.virtualHosts, parts?.listeners] : planned(host);
  return (
    dependencies.length === 0 && problems.length === 0 && made.every((list) => list === undefined || list.length === 0)
  );
}

const planned = (plan: HostPlan) => [plan.destinations, plan.virtualHosts, plan.listeners, plan.targets];
