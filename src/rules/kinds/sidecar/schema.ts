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
      .describe('whether calls to hosts that are not known are let through'),
    egressProxy: destination.optional().describe('where calls to hosts that are not known go; with ALLOW_ANY only'),
  })
  .refine(({ mode, egressProxy }) => egressProxy === undefined || mode !== 'REGISTRY_ONLY', {
    error: 'can only be set with mode ALLOW_ANY',
    path: ['egressProxy'],
  })
  .refine(({ egressProxy }) => egressProxy === undefined || egressProxy.port !== undefined, {
    error: 'is required',
    path: ['egressProxy', 'port'],
  });

/** Istio's networking Sidecar: what the proxies of some workloads may call, and how they are called. */
export const sidecarSpec = z
  .strictObject({
    workloadSelector: z
      .strictObject({ labels: selectorLabels(256).optional().describe('labels, all of which they have') })
      .optional()
      .describe('only these workloads of the namespace; all if left out'),
    ingress: z.array(ingress).optional().describe('ports that workloads are called at; told from services if left out'),
    egress: z.array(egress).optional().describe('hosts that workloads may call; every one if left out'),
    inboundConnectionPool: connectionPool.optional().describe('limits of what workloads accept'),
    outboundTrafficPolicy: outboundTrafficPolicy.optional().describe('what becomes of calls to hosts not known'),
  })
  .superRefine(({ ingress = [] }, context) => {
    const seen = new Set<number | undefined>();
    for (const [index, { port }] of ingress.entries()) {
      const path = ['ingress', index, 'port', 'number'];
      if (seen.has(port.number)) context.addIssue({ code: 'custom', path, message: `${port.number} is used twice` });
      seen.add(port.number);
    }
  });

export type SidecarSpec = z.infer<typeof sidecarSpec>;
