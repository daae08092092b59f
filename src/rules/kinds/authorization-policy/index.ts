import type { RuleKind } from '../../rule.ts';
import { countColumn, targetColumn, textColumn } from '../shared/columns.ts';
import { type AuthorizationPolicySpec, authorizationPolicySpec } from './schema.ts';

/** Istio's AuthorizationPolicy. */
export const authorizationPolicy: RuleKind<'AuthorizationPolicy', AuthorizationPolicySpec> = {
  kind: 'AuthorizationPolicy',
  plural: 'authorizationpolicies',
  singular: 'authorizationpolicy',
  shortNames: ['ap'],
  group: 'security.istio.io',
  versions: ['v1', 'v1beta1'],
  scope: 'namespaced',
  about: 'Access to workloads: requests to allow, deny, audit, or let a provider decide.',
  spec: authorizationPolicySpec,
  columns: [
    textColumn('Action', 'action', { about: 'Action for matching requests.', otherwise: 'ALLOW' }),
    countColumn('Rules', 'rules', { about: 'Number of rules.' }),
    textColumn('Provider', 'provider.name', { about: 'Provider that decides, with the action CUSTOM.', wide: true }),
    targetColumn,
  ],
  pending: () => ['spec'],
};
