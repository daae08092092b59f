import { presentPaths } from '../../fields.ts';
import type { Rule, RuleKind } from '../../rule.ts';
import { type SidecarSpec, sidecarSpec } from './schema.ts';

/** A validated Sidecar. */
export type Sidecar = Rule<'Sidecar', SidecarSpec>;

/** Istio's Sidecar. */
export const sidecar: RuleKind<'Sidecar', SidecarSpec> = {
  kind: 'Sidecar',
  plural: 'sidecars',
  group: 'networking.istio.io',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  spec: sidecarSpec,
};

/** What is accepted and stored but not compiled yet: reported, never ignored silently. */
export const pendingSidecarFields = (spec: SidecarSpec): readonly string[] =>
  presentPaths(spec, [
    'ingress',
    'egress[].port',
    'egress[].bind',
    'egress[].captureMode',
    'inboundConnectionPool',
    'outboundTrafficPolicy.egressProxy',
  ]);
