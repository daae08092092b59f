import type { HostPlan } from '../../plan/host.ts';
import type { TargetPlan } from '../../plan/listener.ts';
import type { VirtualHostPlan } from '../../plan/route.ts';
import { namesOf } from './domains.ts';
import { type HostContext, resolveHostWithoutService, resolvePort, type ServiceContext } from './routes.ts';

/** Names by which clients without a proxy call a host, with the routes of each port. */
type Targets = Pick<HostPlan, 'virtualHosts' | 'targets'>;

/**
 * Resolves a target for each name and port of a host. The client chose the port and gRPC, whatever the platform reports
 * as its protocol. A host with a single port may also be called without it. Wildcards are no targets: clients request
 * whole names.
 */
export function resolveTargets(context: HostContext): Targets {
  const { host, service } = context;
  if (host.startsWith('*')) return { virtualHosts: [], targets: [] };
  if (service !== null) return resolveServiceTargets({ ...context, service });
  return withTargets(resolveHostWithoutService(context));
}

function resolveServiceTargets(context: ServiceContext): Targets {
  const { service, reader } = context;
  const names = [service.hostname, ...service.aliases, ...reader.otherNames(service.hostname)];
  const domains = names.flatMap((host) => namesOf(host, reader.facts));
  const ports = service.ports.filter(({ protocol }) => protocol !== 'udp');
  const answered = ports.map(({ number }) => ({ ...resolvePort(context, number), domains: [...new Set(domains)] }));
  return withTargets(answered);
}

/** Gives each virtual host a route configuration of its own, in which it matches every authority. */
function withTargets(hosts: readonly VirtualHostPlan[]): Targets {
  return {
    virtualHosts: hosts.map((host) => ({
      ...host,
      routeConfiguration: host.name,
      domains: [...host.domains, '*'],
    })),
    targets: hosts.flatMap((host) => targetsOf(host, hosts.length === 1)),
  };
}

function targetsOf(host: VirtualHostPlan, isOnlyPort: boolean): readonly TargetPlan[] {
  const { ownDomain, createdAtMs, origins } = host;
  const target = (name: string, isAlias: boolean) => ({
    name,
    routeConfiguration: host.name,
    isAlias,
    createdAtMs,
    origins,
  });
  return [
    ...host.domains.map((domain) => target(`${domain}:${host.port}`, domain !== ownDomain)),
    ...(isOnlyPort ? [target(ownDomain, true)] : []),
  ];
}
