import type { Service } from '../../model/service.ts';
import type { HostPlan } from '../../plan/host.ts';
import type { PlanProblem } from '../../plan/unit.ts';
import { resolveChains } from './chains.ts';
import { resolveDestinations } from './destinations.ts';
import { calledPorts } from './egress.ts';
import type { HostReader } from './host-reader.ts';
import { createHostRules } from './host-rules.ts';
import { type HostContext, resolveRoutes } from './routes.ts';
import { resolveTargets } from './targets.ts';

/**
 * Plans everything that `host` contributes to a scope. `isReferenced`: a route of another host needs its destinations,
 * even if the scope's proxies may not call it.
 */
export function resolveHost(reader: HostReader, host: string, isReferenced: boolean): HostPlan {
  const callable = reader.callableService(host);
  const reached = callable ?? (isReferenced ? reader.visibleService(host) : null);
  const problems: PlanProblem[] = [];
  const needed = reached !== null && !isReferenced ? calledService(reader, reached) : reached;
  const destinations = needed === null ? [] : resolveDestinations(reader, needed, problems);
  // Gateway objects define the routes of gateways.
  const readers = reader.facts.role === 'sidecar' ? reader.throughListeners() : [];
  const routings = readers.map((by) => resolveCalls(by, host, callable, problems));
  return {
    host,
    destinations,
    virtualHosts: routings.flatMap(({ virtualHosts }) => virtualHosts),
    chains: routings.flatMap(({ chains }) => chains),
    targets: routings.flatMap(({ targets }) => targets),
    references: [...reader.references()],
    dependencies: [...reader.dependencies()],
    problems: withoutRepetitions(problems),
  };
}

/**
 * Returns true if the destinations of a host depend on whether a route of another host names it: its clients may not
 * call it, or only by some of its ports.
 */
export function dependsOnReferences(reader: HostReader, host: string): boolean {
  const callable = reader.callableService(host);
  return callable === null ? reader.visibleService(host) !== null : calledService(reader, callable) !== callable;
}

/** Returns a service with the ports that clients may call by their listeners: itself if these are all ports. */
function calledService(reader: HostReader, service: Service): Service {
  const readers = reader.throughListeners().filter((by) => by.callableService(service.hostname) === service);
  const numbers = new Set(
    readers.flatMap(({ egress }) => calledPorts(egress.place, service)).map(({ number }) => number),
  );
  const ports = service.ports.filter(({ number }) => numbers.has(number));
  return ports.length === service.ports.length ? service : { ...service, ports };
}

/** Resolves the calls of a host by one listener. A host has one service, whatever the listener is. */
function resolveCalls(reader: HostReader, host: string, callable: Service | null, problems: PlanProblem[]): Routing {
  const service = callable !== null && reader.callableService(host) === callable ? callable : null;
  const rules = createHostRules(reader.virtualServices(host, service === null));
  const routing = resolveRouting({ reader, host, service, rules, problems });
  problems.push(...rules.conflicts(host));
  return routing;
}

/** Removes equal problems: those of several listeners. */
function withoutRepetitions(problems: readonly PlanProblem[]): readonly PlanProblem[] {
  if (problems.length < 2) return problems;
  return [...new Map(problems.map((problem) => [`${problem.origin}\n${problem.message}`, problem])).values()];
}

/** Plans for calls of the host. */
type Routing = Pick<HostPlan, 'virtualHosts' | 'chains' | 'targets'>;

function resolveRouting(context: HostContext): Routing {
  if (!context.reader.client.isProxy) return { chains: [], ...resolveTargets(context) };
  const { service } = context;
  const chains = service === null ? [] : resolveChains({ ...context, service });
  return { virtualHosts: resolveRoutes(context), chains, targets: [] };
}
