import { z } from 'zod';
import { selectorLabels } from '../../fields.ts';
import { connectionPool } from '../destination-rule/connection-pool-schema.ts';
import { destination } from '../virtual-service/destination-schema.ts';
import { egress, ingress } from './listener-schema.ts';

const outboundTrafficPolicy = z
  .strictObject({
    mode: z
      .enum(['REGISTRY_ONLY', 'ALLOW_ANY'])
      .optional()
      .describe('whether calls to unknown hosts are allowed; REGISTRY_ONLY if left out'),
    egressProxy: destination.optional().describe('destination of calls to unknown hosts; only with ALLOW_ANY'),
  })
  .refine(({ mode, egressProxy }) => egressProxy === undefined || mode === 'ALLOW_ANY', {
    error: 'can only be set with mode ALLOW_ANY',
    path: ['egressProxy'],
  })
  .refine(({ egressProxy }) => egressProxy === undefined || egressProxy.port !== undefined, {
    error: 'is required',
    path: ['egressProxy', 'port'],
  });

/** Istio's networking Sidecar: outbound and inbound settings for the proxies of some workloads. */
export const sidecarSpec = z
  .strictObject({
    workloadSelector: z
      .strictObject({
        labels: selectorLabels(256).optional().describe('labels that the workloads must have, all of them'),
      })
      .optional()
      .describe('workloads of the namespace that it applies to; all if left out'),
    ingress: z.array(ingress).optional().describe('inbound ports of the workloads; derived from services if left out'),
    egress: z.array(egress).optional().describe('hosts that workloads may call; all if left out'),
    inboundConnectionPool: connectionPool.optional().describe('limits of inbound connections and requests'),
    outboundTrafficPolicy: outboundTrafficPolicy.optional().describe('policy for calls to unknown hosts'),
  })
  .superRefine(({ ingress = [], egress = [], inboundConnectionPool, outboundTrafficPolicy }, context) => {
    const isEmpty = ingress.length === 0 && egress.length === 0;
    if (isEmpty && inboundConnectionPool === undefined && outboundTrafficPolicy === undefined) {
      const message = 'sets nothing: needs one of egress, ingress, inboundConnectionPool and outboundTrafficPolicy';
      context.addIssue({ code: 'custom', path: [], message });
    }
    const seen = new Set<number | undefined>();
    for (const [index, { port }] of ingress.entries()) {
      const path = ['ingress', index, 'port', 'number'];
      if (seen.has(port.number)) context.addIssue({ code: 'custom', path, message: `${port.number} is used twice` });
      seen.add(port.number);
    }
  });

export type SidecarSpec = z.infer<typeof sidecarSpec>;
