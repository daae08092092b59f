import { ipVersion, isLoopback } from '../../lib/ip.ts';
import { isProxyPort } from '../../model/proxy.ts';
import { anyAddress } from '../../plan/ip-families.ts';
import type { InboundEndpoint, InboundPort } from '../../plan/listener.ts';
import type { PlanProblem } from '../../plan/unit.ts';
import { isUnixAddress } from '../../rules/addresses.ts';
import type { SidecarRule } from '../../rules/kinds/sidecar/index.ts';
import type { IngressSpec } from '../../rules/kinds/sidecar/listener-schema.ts';
import { ingressOf } from '../../rules/kinds/sidecar/resolve.ts';
import { protocolOf } from '../../rules/protocols.ts';
import { ruleId } from '../../rules/rule.ts';
import type { InboundFacts } from '../inbound-facts.ts';
import { inboundProtocol } from './inbound.ts';
import { resolveInboundLimits } from './inbound-limits.ts';
import { type InboundContext, serviceOn } from './inbound-services.ts';

/** Plans an ingress listener of a Sidecar; null if the Sidecar has none for the port. */
export function resolveIngressPort(
  context: InboundContext & { readonly sidecar: SidecarRule },
  number: number,
  problems: PlanProblem[],
): InboundPort | null {
  const { facts, sidecar } = context;
  const ingress = ingressOf(sidecar.spec, number);
  if (ingress === undefined) return null;
  const origin = ruleId(sidecar);
  if (isProxyPort(number) && facts.interception !== 'none') {
    problems.push({ origin, message: `spec.ingress: port ${number} is the sidecars' own: it is not served` });
    return null;
  }
  const endpoint = resolveEndpoint(ingress, facts);
  const bindsToPort =
    facts.interception === 'none' ? ingress.captureMode !== 'IPTABLES' : ingress.captureMode === 'NONE';
  if (bindsToPort && endpoint.type === 'original-destination') {
    const message = `spec.ingress: port ${number} has a listener of its own and needs a defaultEndpoint: calls to it fail`;
    problems.push({ origin, message });
  }
  return {
    portName: ingress.port.name ?? '',
    servicePort: number,
    targetPort: number,
    protocol: inboundProtocol(protocolOf(ingress.port.protocol ?? '') ?? 'unknown'),
    binds: bindsOf(ingress, facts),
    bindsToPort,
    endpoint,
    origins: [origin],
    ...resolveInboundLimits(context, { targetPort: number, found: serviceOn(context, number) }),
  };
}

/** Returns the given address, else that of the workload, else every address. */
function bindsOf({ bind = '' }: IngressSpec, { addresses, families }: InboundFacts): InboundPort['binds'] {
  if (bind !== '') return [bind];
  const own = addresses.find(isUnicast);
  return own === undefined ? anyAddress[families] : [own];
}

/** Returns true for an address at which other workloads may call this one. */
const isUnicast = (address: string): boolean =>
  ipVersion(address) !== 0 &&
  !isLoopback(address) &&
  !/^(0\.0\.0\.0$|::$|169\.254\.|2(2[4-9]|3\d)\.|fe[89ab]|ff)/i.test(address);

/**
 * Returns the address to which the proxy forwards. `0.0.0.0` and `[::]` are the workload's own address. A loopback
 * address is of a family that the workload has.
 */
function resolveEndpoint(
  { defaultEndpoint = '' }: IngressSpec,
  { addresses, families }: InboundFacts,
): InboundEndpoint {
  if (defaultEndpoint === '') return { type: 'original-destination' };
  if (isUnixAddress(defaultEndpoint)) return { type: 'socket', path: defaultEndpoint.slice('unix://'.length) };
  const colon = defaultEndpoint.lastIndexOf(':');
  const port = Number(defaultEndpoint.slice(colon + 1));
  switch (defaultEndpoint.slice(0, colon)) {
    case '0.0.0.0':
      return { type: 'address', address: ofFamily(4, addresses) ?? '127.0.0.1', port };
    case '[::]':
      return { type: 'address', address: ofFamily(6, addresses) ?? '::1', port };
    case '[::1]':
      return { type: 'address', address: families === 'ipv4' ? '127.0.0.1' : '::1', port };
    default:
      return { type: 'address', address: families === 'ipv6' ? '::1' : '127.0.0.1', port };
  }
}

const ofFamily = (family: 4 | 6, addresses: readonly string[]): string | undefined =>
  addresses.find((address) => ipVersion(address) === family);
