import { presentPaths } from '../../fields.ts';
import type { Rule, RuleKind } from '../../rule.ts';
import { type VirtualServiceSpec, virtualServiceSpec } from './schema.ts';

/** A validated VirtualService. */
export type VirtualService = Rule<'VirtualService', VirtualServiceSpec>;

/** Istio's VirtualService. */
export const virtualService: RuleKind<'VirtualService', VirtualServiceSpec> = {
  kind: 'VirtualService',
  plural: 'virtualservices',
  group: 'networking.istio.io',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  spec: virtualServiceSpec,
};

/** What is accepted and stored but not compiled yet: reported, never ignored silently. */
export const pendingVirtualServiceFields = (spec: VirtualServiceSpec): readonly string[] => [
  ...presentPaths(spec, [
    'tls',
    'tcp[].match[].destinationSubnets',
    'tcp[].match[].sourceSubnet',
    'http[].delegate',
    'http[].fault',
    'http[].corsPolicy',
    'http[].retries.retryRemoteLocalities',
    'http[].match[].statPrefix',
  ]),
  ...((spec.hosts ?? []).length === 0 ? ['spec (a delegate, without hosts)'] : []),
];
