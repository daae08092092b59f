import { isProxyPort } from '../../model/proxy.ts';
import { isHttp, isTls, type Service, type ServicePort } from '../../model/service.ts';
import { outboundName } from '../../plan/destination.ts';
import { anyAddress } from '../../plan/ip-families.ts';
import {
  anyConnection,
  type FilterChainPlan,
  type ListenerFrame,
  type ListenerTraffic,
  plainHttp,
} from '../../plan/listener.ts';
import { resolveTcpConnection } from '../../rules/kinds/destination-rule/resolve-connections.ts';
import { resolveTcpTargets } from '../../rules/kinds/virtual-service/resolve-tcp.ts';
import { ruleId } from '../../rules/rule.ts';
import { policyOf, serviceOrigin } from './destinations.ts';
import { singleAddresses } from './domains.ts';
import { dynamicDnsFilters, serverNameLookup } from './dynamic-dns.ts';
import { isAmbiguous, isTaken, listenerPorts, placedAddresses, routeConfigurationOf } from './egress.ts';
import type { HostReader } from './host-reader.ts';
import { destinationPolicy, type HostContext, routeContext } from './routes.ts';

/** Resolves the chains through which a service is called. HTTP services of one port share a chain. */
export function resolveChains(context: HostContext & { readonly service: Service }): readonly FilterChainPlan[] {
  const { service, rule, reader, problems } = context;
  if (isAmbiguous(reader.egress, service)) {
    const message = `${service.hostname} has several ports: it is not reachable at ${reader.egress.place.bind}, where connections name none`;
    problems.push({ origin: serviceOrigin(service), message });
  }
  return listenerPorts(reader.egress, service).flatMap((port) => {
    const traffic = resolveTraffic(context, port);
    reportUnreachableTls(context, port);
    const tcpRule = rule !== null && traffic.type === 'tcp' ? [ruleId(rule)] : [];
    const origins = [serviceOrigin(service), ...tcpRule];
    const detectsHttp = traffic.type === 'http' && reader.client.hasFilterChains;
    return freeBinds(context, port).map((binds) => ({
      listener: frameOf(context, binds, port),
      name: '',
      match: detectsHttp ? { ...anyConnection, protocols: plainHttp } : anyConnection,
      takesRest: detectsHttp,
      traffic,
      takesAnyAddress: takesAnyAddress(context, port),
      createdAtMs: service.createdAtMs,
      origins,
    }));
  });
}

const frameOf = ({ reader }: HostContext, binds: Bind, port: ServicePort): ListenerFrame => ({
  name: `${binds[0]}_${listenerPort(reader, port)}`,
  direction: 'outbound',
  binds,
  port: listenerPort(reader, port),
  bindsToPort: !isCaptured(reader),
  transparent: false,
});

const listenerPort = ({ egress }: HostReader, { number }: ServicePort): number => egress.place.port ?? number;

/** Returns true if the kernel redirects connections to the listener. Otherwise, it opens a socket. */
const isCaptured = ({ facts, egress }: HostReader): boolean =>
  facts.interception !== 'none' && !egress.place.bindsToPort;

function resolveTraffic(context: HostContext & { readonly service: Service }, port: ServicePort): ListenerTraffic {
  // TLS and unknown protocols are forwarded unchanged.
  const { service, rule, reader } = context;
  if (isHttp(port.protocol)) {
    const routeConfiguration = routeConfigurationOf(reader.egress, port.number);
    return { type: 'http', routeConfiguration, filters: dynamicDnsFilters(context) };
  }
  const route = rule === null ? null : resolveTcpTargets(rule.spec.tcp ?? [], routeContext(context, rule, port.number));
  if (rule !== null && route !== null && route.targets.length > 0) {
    const policy = destinationPolicy(context, rule, route.first, port.number);
    return { type: 'tcp', targets: route.targets, connection: resolveTcpConnection(policy) };
  }
  const destination = outboundName(port.number, '', service.hostname);
  const connection = resolveTcpConnection(policyOf(reader, service, port.number));
  return {
    type: 'tcp',
    targets: [{ destination, weight: 1, headers: null }],
    connection,
    ...serverNameLookup(context, port.number),
  };
}

/**
 * Reports TLS services without an address. Only the server name distinguishes them, and listeners do not match server
 * names yet. A listener for the whole port would send all TLS of captured clients to this host.
 */
function reportUnreachableTls(
  { service, problems, reader }: HostContext & { readonly service: Service },
  port: ServicePort,
) {
  if (!isCaptured(reader) || reader.egress.place.bind !== '' || !isTlsWithoutAddress(service, port)) return;
  const message = `port ${port.number} of ${service.hostname} speaks TLS and has no address: captured clients reach it as they reach unknown hosts; give it addresses`;
  problems.push({ origin: serviceOrigin(service), message });
}

/**
 * Returns true for TCP services without an address. They are identified by port only, and get every connection of the
 * port without another listener.
 */
function takesAnyAddress({ service, reader }: HostContext & { readonly service: Service }, { protocol }: ServicePort) {
  const { headless, vips, resolution } = service;
  const hasAddress = headless || vips.length > 0 || resolution === 'passthrough';
  return isCaptured(reader) && reader.egress.place.bind === '' && !isHttp(protocol) && !hasAddress;
}

/**
 * Returns true for TLS services without an address. Passthrough services are excluded: their connections keep their own
 * destination, so a shared listener is harmless.
 */
const isTlsWithoutAddress = ({ headless, vips, resolution }: Service, { protocol }: ServicePort): boolean =>
  isTls(protocol) && !headless && vips.length === 0 && resolution !== 'passthrough';

/**
 * Returns the binds without those of the proxy's own listeners. Envoy rejects a second listener of one address even if
 * only one of them binds, and the proxy's own might be lost.
 */
function freeBinds(context: HostContext & { readonly service: Service }, port: ServicePort): readonly Bind[] {
  const all = binds(context, port).filter((bind) => !isTakenBind(context, bind, listenerPort(context.reader, port)));
  if (context.reader.facts.interception === 'none' || !isProxyPort(listenerPort(context.reader, port))) return all;
  const [every] = anyAddress[context.reader.facts.families];
  const free = all.filter(([address]) => address !== every);
  if (free.length < all.length) {
    const message = `port ${port.number} is the sidecars' own: ${context.service.hostname} is not reachable by it`;
    context.problems.push({ origin: serviceOrigin(context.service), message });
  }
  return free;
}

/** Returns true if another listener of the Sidecar has the address and port. */
function isTakenBind(
  { reader, service, problems }: HostContext & { readonly service: Service },
  [bind]: Bind,
  port: number,
): boolean {
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

/** Address of a listener, followed by an equivalent one of the other family. */
type Bind = readonly [string, ...string[]];

/** Returns the addresses to which clients connect, as the kernel reports them to the proxy. */
function binds({ reader, service }: HostContext & { readonly service: Service }, port: ServicePort): readonly Bind[] {
  const placed = placedAddresses(reader.egress, reader.facts.families);
  if (placed !== null) return [placed];
  if (reader.facts.interception === 'none') return [['127.0.0.1']];
  const every = anyAddress[reader.facts.families];
  if (isHttp(port.protocol)) return [every];
  if (service.headless) {
    // Includes endpoints that are not ready or just departed. Their clients chose them, and closing a listener closes
    // its connections.
    const addresses = reader
      .allEndpoints(service)
      .filter(({ ports }) => ports[port.name] !== undefined)
      .map(({ address }) => address);
    return [...new Set(addresses)].sort().map((address) => [address]);
  }
  // Ranges have no listener yet. One for every address would take connections of other services.
  if (service.vips.length > 0) return singleAddresses(service).map((address) => [address]);
  return isTlsWithoutAddress(service, port) ? [] : [every];
}
