import type { RuleKind } from '../../rule.ts';
import { countColumn, targetColumn, textsOf } from '../shared/columns.ts';
import { type RequestAuthenticationSpec, requestAuthenticationSpec } from './schema.ts';

/** Istio's RequestAuthentication. */
export const requestAuthentication: RuleKind<'RequestAuthentication', RequestAuthenticationSpec> = {
  kind: 'RequestAuthentication',
  plural: 'requestauthentications',
  singular: 'requestauthentication',
  shortNames: ['ra'],
  group: 'security.istio.io',
  versions: ['v1', 'v1beta1'],
  scope: 'namespaced',
  about: 'Tokens (JWT) in requests: their issuers, keys and places, and the parts to forward.',
  spec: requestAuthenticationSpec,
  columns: [
    countColumn('Rules', 'jwtRules', { about: 'Number of accepted types of tokens.' }),
    {
      name: 'Issuers',
      type: 'string',
      about: 'Issuers of the tokens.',
      value: (spec) => textsOf(spec, 'jwtRules', 'issuer'),
    },
    targetColumn,
  ],
  pending: () => ['spec'],
};
