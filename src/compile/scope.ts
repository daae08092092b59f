import { assertNever } from '../lib/assert-never.ts';
import type { HostPlan, PlanProblem } from '../plan/host.ts';
import type { EncodedResource, XdsType } from '../proto/resource.ts';
import type { Sidecar } from '../rules/kinds/sidecar/index.ts';
import type { RuleId } from '../rules/rule.ts';
import { dialectOf } from './dialect.ts';
import type { Layer, LayerKind, LayerParts } from './layer.ts';
import { resolveHost } from './resolve/host.ts';
import { createReader } from './resolve/reader.ts';
import { createVisibility } from './resolve/visibility.ts';
import { type Coarseness, type ScopeFacts, scopeFactsOf } from './scope-key.ts';
import type { Assignment, AssignmentUser } from './tables/assignments.ts';
import { contributionsOf, type PartsSince, partsSince, sinceNothing } from './tables/contributions.ts';
import { createCounts } from './tables/counts.ts';
import { createDependents } from './tables/dependents.ts';
import { type FixedContext, type FixedResources, fixedResources } from './tables/fixed-resources.ts';
import { encodeHost, type HostParts, noHost, originsOf, releaseHost } from './tables/host-parts.ts';
import { createListenerTable, type ListenerPart } from './tables/listener-table.ts';
import { PartError } from './tables/part-error.ts';
import { createRouteTable } from './tables/route-table.ts';
import type { Shelved } from './tables/shelf.ts';
import { createTables } from './tables/tables.ts';
import { hostOfDep } from './world/dirty.ts';

/** What proxies may call. */
export const outboundKind = (coarseness: Coarseness): LayerKind<ScopeFacts> => ({
  kind: 'outbound',
  mayWait: true,
  factsOf: (proxy, world) => scopeFactsOf(proxy, world, coarseness),
  selected: ({ sidecar }) => (sidecar === null ? [] : [sidecar]),
  create: createScope,
  layersWith: (origin, { shelves }) => (shelves.origins.has(origin) ? 'all' : []),
});

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

function createScope(facts: ScopeFacts, parts: LayerParts): Layer {
  const { key, world, shelves, assignments, problems, work } = parts;
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
    work.hostsCompiled++;
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
  const sinceOf = (host: string): PartsSince => entries.get(host)?.since ?? sinceNothing;
  const removeGone = (type: XdsType, before: readonly string[], after: readonly string[]) => {
    for (const name of before) if (!after.includes(name)) tables.delete(type, name);
  };

  return {
    key,
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
      return dirtyHosts.size > 0 || isFixedDirty;
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
    *partsOf(type, name) {
      switch (type) {
        case 'route':
          for (const { part, origins } of routes.partsOf(name)) {
            yield { part, origins, since: sinceOf(part.slice(0, part.lastIndexOf(':'))).route }; // host:80
          }
          return;
        case 'listener':
          for (const { host, origins } of listeners.partsOf(name)) {
            yield { part: '', origins, since: sinceOf(host).listener };
          }
          return;
        case 'cluster':
        case 'endpoint': {
          const host = name.slice(name.lastIndexOf('|') + 1); // outbound|80||host
          const origins = entries.get(host)?.parts.value.destinationOrigins ?? [];
          if (origins.length > 0) yield { part: '', origins, since: sinceOf(host).cluster };
          return;
        }
        default:
          assertNever(type);
      }
    },
    *contributionsOf(origin) {
      const standing = {
        hasVirtualHost: routes.has,
        hasListener: ({ name, resource }: ListenerPart) => tables.get('listener', name) === resource,
      };
      for (const host of shelves.origins.holdersOf(origin)) {
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
