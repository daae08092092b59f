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
  about: 'Who may call workloads for what: requests that are allowed, denied, noted, or decided by a provider.',
  spec: authorizationPolicySpec,
  columns: [
    textColumn('Action', 'action', { about: 'What is done with requests that fit.', otherwise: 'ALLOW' }),
    countColumn('Rules', 'rules', { about: 'How many rules say which requests.' }),
    textColumn('Provider', 'provider.name', { about: 'Who decides, with the action CUSTOM.', wide: true }),
    targetColumn,
  ],
  pending: () => ['spec'],
};
