import { z } from 'zod';
import { selectorLabels } from '../../fields.ts';

/** Kinds that a policy may be attached to, by group. */
const attachable: Readonly<Record<string, readonly string[]>> = {
  '': ['Service'],
  core: ['Service'],
  'networking.istio.io': ['ServiceEntry'],
  'gateway.networking.k8s.io': ['Gateway', 'GatewayClass'],
};

/** Selects workloads that have all of these labels. */
export const selector = z.strictObject({
  matchLabels: selectorLabels(4_096).optional().describe('labels that a workload must have, all of them'),
});

/** Attaches a policy to an object of the same namespace, in place of workloads. */
export const targetRef = z
  .strictObject({
    group: z
      .string()
      .max(253)
      .regex(/^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/, 'must be a DNS name, or empty')
      .optional()
      .describe('API group of the target; empty for a Service'),
    kind: z
      .string()
      .min(1)
      .max(63)
      .regex(/^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$/, 'must be letters, digits and "-", beginning with a letter')
      .describe('kind of the target: Service, ServiceEntry, Gateway or GatewayClass'),
    name: z.string().min(1).max(253).describe('name of the target'),
    namespace: z
      .string()
      .refine((text) => text === '', 'must be left out: the target is in the namespace of this object')
      .optional()
      .describe('must be left out: the target is in the namespace of this object'),
  })
  .refine(({ group, kind }) => (attachable[group ?? ''] ?? []).includes(kind), {
    path: ['kind'],
    error:
      'must be Service (no group), ServiceEntry of networking.istio.io, or Gateway or GatewayClass of gateway.networking.k8s.io',
  });

/** List of targets; the policy applies to each. */
export const targetRefs = z.array(targetRef).max(16, 'must be at most 16 targets');

/** Target fields of the kinds that support all three ways. */
export const targetFields = {
  selector: selector
    .optional()
    .describe('workloads of the policy; without it all of the namespace, or of the mesh in the root namespace'),
  targetRef: targetRef.optional().describe('one object that it is attached to; targetRefs is the newer form'),
  targetRefs: targetRefs.optional().describe('objects that it is attached to, in place of workloads'),
};

interface Targeted {
  readonly selector?: unknown;
  readonly targetRef?: unknown;
  readonly targetRefs?: unknown;
}

/** Returns whether at most one target field is set; for a spec's refinement. */
export const hasOneTarget = (spec: Targeted): boolean =>
  [spec.selector, spec.targetRef, spec.targetRefs].filter((way) => way !== undefined).length <= 1;

/** Message for specs that fail `hasOneTarget`. */
export const oneTargetOnly = 'only one of selector, targetRef and targetRefs may be set';
