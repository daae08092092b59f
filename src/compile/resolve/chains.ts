import { canonicalRange } from '../../lib/ip-range.ts';
import { isProxyPort } from '../../model/proxy.ts';
import { isHttp, isTls, type ServicePort } from '../../model/service.ts';
import { anyAddress } from '../../plan/ip-families.ts';
import { anyConnection, type FilterChainPlan, type ListenerFrame } from '../../plan/listener.ts';
import { ruleId } from '../../rules/rule.ts';
import { type ConnectionPlan, type ListenerPlace, resolveConnections } from './connections.ts';
import { serviceOrigin } from './destinations.ts';
import { isCaptured } from './detection.ts';
import { singleAddresses } from './domains.ts';
import { isAmbiguous, isTaken, listenerPorts, placedAddresses } from './egress.ts';
import type { HostReader } from './host-reader.ts';
import type { ServiceContext } from './routes.ts';

/** Resolves the chains through which a service is called. HTTP services of one port share a chain. */
export function resolveChains(context: ServiceContext): readonly FilterChainPlan[] {
  const { service, reader, problems } = context;
  if (isAmbiguous(reader.egress, service)) {
    const message = `${service.hostname} has several ports: it is not reachable at ${reader.egress.place.bind}, where connections name none`;
    problems.push({ origin: serviceOrigin(service), message });
  }
  return listenerPorts(reader.egress, service).flatMap((port) => {
    const connections = resolveConnections(context, port);
    return freeBinds(context, port).flatMap((bind) => {
      const plans = connections(bind);
      const chains = plans.map((plan) => chainOf({ context, port, bind, plan }));
      const [first] = chains;
      if (first === undefined || !leavesUnknown(context, plans)) return chains;
      return [...chains, unknownConnections(context, first)];
    });
  });
}

const listenerPort = ({ egress }: HostReader, { number }: ServicePort): number => egress.place.port ?? number;

/** Addresses of one listener of a port. */
interface Bind extends ListenerPlace {
  /** Address, followed by an equivalent one of the other family. */
  readonly addresses: ListenerFrame['binds'];
}

interface ChainQuery {
  readonly context: ServiceContext;
  readonly port: ServicePort;
  readonly bind: Bind;
  readonly plan: ConnectionPlan;
}

function chainOf({ context, port, bind, plan: { match, takesRest, traffic, rule } }: ChainQuery): FilterChainPlan {
  const { service, reader } = context;
  return {
    listener: {
      name: `${bind.addresses[0]}_${listenerPort(reader, port)}`,
      direction: 'outbound',
      binds: bind.addresses,
      port: listenerPort(reader, port),
      bindsToPort: !isCaptured(reader),
      transparent: false,
    },
    name: '',
    match,
    takesRest,
    isForUnknown: false,
    traffic,
    takesAnyAddress: match === anyConnection && takesAnyAddress(context, port),
    createdAtMs: service.createdAtMs,
    origins: [serviceOrigin(service), ...(rule === null ? [] : [ruleId(rule)])],
  };
}

/**
 * Returns true if a listener gets connections that none of its plans describes. Without interception these cannot be
 * forwarded: their destination is the listener itself.
 */
const leavesUnknown = ({ reader }: ServiceContext, plans: readonly ConnectionPlan[]): boolean =>
  isCaptured(reader) &&
  reader.client.hasFilterChains &&
  !plans.some(({ match, takesRest }) => takesRest || match === anyConnection);

/** Treats other connections of a listener as those to unknown addresses. */
function unknownConnections({ reader, service }: ServiceContext, { listener, createdAtMs }: FilterChainPlan) {
  const destination = reader.unknownHosts() === 'forward' ? 'PassthroughCluster' : 'BlackHoleCluster';
  return {
    listener,
    name: '',
    match: anyConnection,
    takesRest: false,
    isForUnknown: true,
    traffic: { type: 'tcp' as const, targets: [{ destination, weight: 1, headers: null, rewriteHost: null }] },
    takesAnyAddress: false,
    createdAtMs,
    origins: [serviceOrigin(service)],
  };
}

/**
 * Returns true for TCP services without an address. They are identified by port only, and get every connection of the
 * port without another listener.
 */
function takesAnyAddress({ service, reader }: ServiceContext, { protocol }: ServicePort): boolean {
  const { headless, vips, resolution } = service;
  const hasAddress = headless || vips.length > 0 || resolution === 'passthrough';
  return isCaptured(reader) && reader.egress.place.bind === '' && !isHttp(protocol) && !hasAddress;
}

/**
 * Returns the binds without those of the proxy's own listeners. Envoy rejects a second listener of one address even if
 * only one of them binds, and the proxy's own might be lost.
 */
function freeBinds(context: ServiceContext, port: ServicePort): readonly Bind[] {
  const number = listenerPort(context.reader, port);
  const all = binds(context, port).filter(({ addresses: [bind] }) => !isTakenBind(context, bind, number));
  if (context.reader.facts.interception === 'none' || !isProxyPort(number)) return all;
  const [every] = anyAddress[context.reader.facts.families];
  const free = all.filter(({ addresses: [address] }) => address !== every);
  if (free.length < all.length) {
    const message = `port ${port.number} is the sidecars' own: ${context.service.hostname} is not reachable by it`;
    context.problems.push({ origin: serviceOrigin(context.service), message });
  }
  return free;
}

/** Returns true if another listener of the Sidecar has the address and port. */
function isTakenBind({ reader, service, problems }: ServiceContext, bind: string, port: number): boolean {
  const { egress, facts } = reader;
  if (isTaken(egress, bind, port, facts.families)) return true;
  const own = facts.ingressBinds();
  const isHeadless = service.headless && egress.place.bind === '' && !anyAddress[facts.families].includes(bind);
  const conflicts = [bind, ...anyAddress.dual, ...(isHeadless ? ['*'] : [])];
  const isOpened = !isCaptured(reader) || isHeadless;
  if (!isOpened || !conflicts.some((address) => own.includes(`${address}:${port}`))) return false;
  const message = `listener ${bind}_${port} is an ingress listener of a Sidecar: ${service.hostname} is not reachable by it`;
  problems.push({ origin: serviceOrigin(service), message });
  return true;
}

/** Returns the addresses to which clients connect, as the kernel reports them to the proxy. */
function binds(context: ServiceContext, port: ServicePort): readonly Bind[] {
  const { reader, service } = context;
  const placed = placedAddresses(reader.egress, reader.facts.families);
  if (placed !== null) return [bindOf(placed)];
  if (reader.facts.interception === 'none') return [{ ...bindOf(['127.0.0.1']), isForEveryAddress: true }];
  const every = { addresses: anyAddress[reader.facts.families], ranges: [], isForEveryAddress: true };
  if (isHttp(port.protocol)) return [every];
  if (service.headless) {
    // Includes endpoints that are not ready or just departed. Their clients chose them, and closing a listener closes
    // its connections.
    const addresses = reader
      .allEndpoints(service)
      .filter(({ ports }) => ports[port.name] !== undefined)
      .map(({ address }) => address);
    return [...new Set(addresses)].sort().map((address) => bindOf([address]));
  }
  if (service.vips.length === 0) return isReachable(context, port) ? [every] : [];
  const single = singleAddresses(service).map((address) => bindOf([address]));
  const ranges = [...new Set(service.vips.filter((vip) => vip.includes('/')).map(canonicalRange))];
  // A listener for every address would get connections of other services, unless its chains match ranges.
  return ranges.length > 0 && reader.client.hasFilterChains ? [...single, { ...every, ranges }] : single;
}

const bindOf = (addresses: Bind['addresses']): Bind => ({ addresses, ranges: [], isForEveryAddress: false });

/**
 * Returns true if a service without addresses can have a listener. Only the server name distinguishes TLS services. For
 * clients that do not match it, a listener for the whole port would send all TLS to this host. Passthrough services are
 * an exception: their connections keep their own destination.
 */
function isReachable({ service, reader, problems }: ServiceContext, port: ServicePort): boolean {
  if (!isTls(port.protocol) || service.resolution === 'passthrough' || reader.client.hasFilterChains) return true;
  const message = `port ${port.number} of ${service.hostname} speaks TLS and has no address: captured clients of MOSN reach it as they reach unknown hosts; give it addresses`;
  problems.push({ origin: serviceOrigin(service), message });
  return false;
}
