import { pathFinder } from '../../present-paths.ts';
import type { Rule, RuleKind } from '../../rule.ts';
import { targetColumn, textColumn } from '../shared/columns.ts';
import { compiledSidecar } from './audience.ts';
import { type SidecarSpec, sidecarSpec } from './schema.ts';

/** A validated Sidecar. */
export type SidecarRule = Rule<'Sidecar', SidecarSpec>;

/** Istio's Sidecar. */
export const sidecar: RuleKind<'Sidecar', SidecarSpec> = {
  kind: 'Sidecar',
  plural: 'sidecars',
  singular: 'sidecar',
  shortNames: [],
  group: 'networking.istio.io',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  scope: 'namespaced',
  about: 'What the proxies of a namespace, or of some of its workloads, may call and how they listen.',
  spec: sidecarSpec,
  columns: [
    {
      name: 'Egress',
      type: 'string',
      about: 'The hosts that may be called; nothing means every one.',
      value: ({ egress }) => (Array.isArray(egress) ? egress.flatMap(hostsOf).join(',') || null : null),
    },
    textColumn('Outbound', 'outboundTrafficPolicy.mode', {
      about: 'Whether calls to hosts that are not known are let through.',
      wide: true,
    }),
    targetColumn,
  ],
  pending: (spec) => findPending(spec),
  compiled: compiledSidecar,
};

/** Fields that are accepted and stored but not compiled yet. They are reported to the author. */
const findPending: (spec: SidecarSpec) => readonly string[] = pathFinder([
  'ingress[].port.targetPort',
  'ingress[].tls',
  'egress[].port.targetPort',
]);

const hostsOf = (listener: unknown): readonly string[] => {
  const hosts: unknown = typeof listener === 'object' && listener !== null ? Reflect.get(listener, 'hosts') : undefined;
  return Array.isArray(hosts) ? hosts.map(String) : [];
};
