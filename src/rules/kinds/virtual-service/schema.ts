import { z } from 'zod';
import { countSet, exportTo, host, labels, portNumber } from '../../fields.ts';
import { destination, weight } from './destination-schema.ts';
import { httpRoute } from './http-schema.ts';

const routeDestination = z.strictObject({ destination, weight: weight.optional() });

/** Conditions that TCP and TLS routes share. */
const l4Match = {
  destinationSubnets: z.array(z.string().min(1)).optional(),
  port: portNumber.optional(),
  sourceLabels: labels.optional(),
  gateways: z.array(z.string().min(1)).optional(),
  sourceNamespace: z.string().optional(),
};

const tcpRoute = z.strictObject({
  match: z.array(z.strictObject({ ...l4Match, sourceSubnet: z.string().optional() })).optional(),
  route: z.array(routeDestination).min(1),
});

const tlsRoute = z.strictObject({
  match: z.array(z.strictObject({ ...l4Match, sniHosts: z.array(host).min(1) })).min(1),
  route: z.array(routeDestination).min(1),
});

/** What Envoy can hold; more would make it refuse all routes of the port. */
const maxWeightSum = 4_294_967_295;

/** Istio's networking VirtualService: where requests to some hosts go. */
export const virtualServiceSpec = z
  .strictObject({
    hosts: z.array(host).optional(),
    gateways: z.array(z.string().min(1)).optional(),
    http: z.array(httpRoute).optional(),
    tls: z.array(tlsRoute).optional(),
    tcp: z.array(tcpRoute).optional(),
    exportTo: exportTo.optional(),
  })
  .superRefine((spec, context) => {
    const delegate = (spec.hosts ?? []).length === 0;
    if (delegate && (spec.gateways ?? []).length > 0) {
      context.addIssue({ code: 'custom', path: ['gateways'], message: 'a delegate (without hosts) has no gateways' });
    }
    if (countSet({ http: spec.http, tls: spec.tls, tcp: spec.tcp }) === 0) {
      context.addIssue({ code: 'custom', path: ['http'], message: 'one of http, tls and tcp is needed' });
    }
    for (const layer of ['http', 'tcp', 'tls'] as const) {
      for (const [index, route] of (spec[layer] ?? []).entries()) {
        const destinations = route.route ?? [];
        const sum = destinations.reduce((total, { weight }) => total + (weight ?? 0), 0);
        const complain = (message: string) =>
          context.addIssue({ code: 'custom', path: [layer, index, 'route'], message });
        if (destinations.length > 1 && sum === 0) complain('one weight must be above 0');
        if (sum > maxWeightSum) complain(`the weights must add up to ${maxWeightSum} at most`);
      }
    }
  });

export type VirtualServiceSpec = z.infer<typeof virtualServiceSpec>;
export type TcpRouteSpec = z.infer<typeof tcpRoute>;
