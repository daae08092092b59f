import type { HostPlan } from '../../plan/host.ts';
import type { TargetPlan } from '../../plan/listener.ts';
import type { VirtualHostPlan } from '../../plan/route.ts';
import { namesOf } from './domains.ts';
import { type HostContext, resolveHostWithoutService, resolvePort, type ServiceContext } from './routes.ts';

/** Names by which clients without a proxy call a host, and the routes of each of its ports. */
type Targets = Pick<HostPlan, 'virtualHosts' | 'targets'>;

/**
 * A target for each name of a host and each port: the client has chosen the port, and that it speaks gRPC, whatever the
 * platform says of the port. A host with a single port may be called without it. Wildcards are no targets: clients ask
 * for whole names.
 */
export function resolveTargets(context: HostContext): Targets {
  const { host, service, rule } = context;
  if (host.startsWith('*')) return { virtualHosts: [], targets: [] };
  if (service !== null) return resolveServiceTargets({ ...context, service });
  const answered = rule === null ? [] : resolveHostWithoutService(context, rule);
  return withTargets(answered);
}

function resolveServiceTargets(context: ServiceContext): Targets {
  const { service, reader } = context;
  const names = [service.hostname, ...service.aliases, ...reader.otherNames(service.hostname)];
  const domains = names.flatMap((host) => namesOf(host, reader.facts));
  const ports = service.ports.filter(({ protocol }) => protocol !== 'udp');
  const answered = ports.map(({ number }) => ({ ...resolvePort(context, number), domains: [...new Set(domains)] }));
  return withTargets(answered);
}

/** Gives each virtual host a route configuration of its own, in which it answers whatever it is called. */
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
