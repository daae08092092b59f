import { ipVersion } from '../../lib/ip.ts';
import { proxyPorts } from '../../model/proxy.ts';
import type { ProxyConfiguration, SimulatedCall } from '../../simulator/call.ts';

/**
 * Fills in the address of a called host: an address among the domains of the virtual host that has its name. TCP
 * services have no virtual host; their address stays unknown. Applications call uncaptured proxies on this machine.
 */
export function withAddress(call: SimulatedCall, configuration: ProxyConfiguration): SimulatedCall {
  if (call.address !== '' || call.direction === 'inbound') return call;
  const isCaptured = socketsOf(configuration).some(({ portValue }) => portValue === proxyPorts.outbound);
  return { ...call, address: isCaptured ? addressOfHost(call, configuration) : '127.0.0.1' };
}

function addressOfHost({ host: called, port, protocol }: SimulatedCall, { routes }: ProxyConfiguration): string {
  if (protocol === 'tcp') return '';
  const host = called.replace(/:\d+$/, '').toLowerCase();
  const hosts = routes.filter(({ name = '' }) => portOf(name) === port).flatMap((one) => one.virtualHosts ?? []);
  const domains = hosts.find(({ domains: all = [] }) => all.includes(host))?.domains ?? [];
  return domains.find((domain) => ipVersion(domain) !== 0) ?? '';
}

/** Counts the listeners for single addresses of a port: an unknown address may hide that one of them answers. */
export const listenersOfAddresses = (configuration: ProxyConfiguration, port: number): number =>
  socketsOf(configuration).filter(
    ({ portValue, address = '' }) => portValue === port && !['0.0.0.0', '::'].includes(address),
  ).length;

const socketsOf = ({ listeners }: ProxyConfiguration) =>
  listeners.flatMap(({ address }) => (address?.socketAddress === undefined ? [] : [address.socketAddress]));

/** Reads the port of a route configuration's name: `80`, or `host:80`. */
const portOf = (name: string): number => Number(name.slice(name.lastIndexOf(':') + 1));
