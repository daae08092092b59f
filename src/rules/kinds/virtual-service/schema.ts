import { z } from 'zod';
import { covers } from '../../../model/names.ts';
import { countSet, exportTo, gatewayName, host } from '../../fields.ts';
import { httpRoute } from './http-schema.ts';
import { tcpRoute, tlsRoute } from './l4-schema.ts';

/** Envoy rejects all routes of the port when the sum of the weights is larger. */
const maxWeightSum = 4_294_967_295;

const shape = z.strictObject({
  hosts: z.array(host).optional().describe('hosts that clients call; without hosts, the object is a delegate'),
  gateways: z.array(gatewayName).optional().describe('gateways that apply it; mesh (all sidecars) if left out'),
  http: z.array(httpRoute).optional().describe('routes of HTTP requests; the first match applies'),
  tls: z.array(tlsRoute).optional().describe('routes of TLS connections that are passed through'),
  tcp: z.array(tcpRoute).optional().describe('routes of other connections'),
  exportTo: exportTo.optional().describe('namespaces whose proxies see it; the default of the mesh if left out'),
});

/** Istio's networking VirtualService: routes for requests to some hosts. */
export const virtualServiceSpec = shape.superRefine((spec, context) => {
  const complain: Complain = (path, message) => context.addIssue({ code: 'custom', path: [...path], message });
  if (countSet({ http: spec.http, tls: spec.tls, tcp: spec.tcp }) === 0) {
    complain(['http'], 'one of http, tls and tcp is needed');
  }
  if ((spec.hosts ?? []).length === 0) checkDelegate(spec, complain);
  else checkSniHosts(spec, complain);
  checkWeights(spec, complain);
});

export type VirtualServiceSpec = z.infer<typeof shape>;

/** Field with routes of one kind of traffic. */
export type RuleLayer = 'http' | 'tls' | 'tcp';

type Complain = (path: readonly (string | number)[], message: string) => void;

function checkDelegate(spec: VirtualServiceSpec, complain: Complain): void {
  if ((spec.gateways ?? []).length > 0) complain(['gateways'], 'a delegate (without hosts) has no gateways');
  for (const layer of ['tls', 'tcp'] as const) {
    if (spec[layer] !== undefined) complain([layer], 'a delegate (without hosts) has routes of http only');
  }
  for (const [index, route] of (spec.http ?? []).entries()) {
    if (route.delegate !== undefined) complain(['http', index, 'delegate'], 'a delegate cannot delegate further');
  }
}

function checkSniHosts({ hosts = [], tls = [] }: VirtualServiceSpec, complain: Complain): void {
  for (const [index, { match }] of tls.entries()) {
    for (const [position, { sniHosts }] of match.entries()) {
      for (const [place, sni] of sniHosts.entries()) {
        if (hosts.some((it) => covers(it.toLowerCase(), sni.toLowerCase()))) continue;
        complain(['tls', index, 'match', position, 'sniHosts', place], `is none of the hosts (${hosts.join(', ')})`);
      }
    }
  }
}

function checkWeights(spec: VirtualServiceSpec, complain: Complain): void {
  for (const layer of ['http', 'tcp', 'tls'] as const) {
    for (const [index, route] of (spec[layer] ?? []).entries()) {
      const destinations = route.route ?? [];
      const sum = destinations.reduce((total, { weight }) => total + (weight ?? 0), 0);
      const path = [layer, index, 'route'];
      if (destinations.length > 1 && sum === 0) complain(path, 'one weight must be above 0');
      if (sum > maxWeightSum) complain(path, `the weights must add up to ${maxWeightSum} at most`);
    }
  }
}
