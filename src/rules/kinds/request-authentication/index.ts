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
  about: 'Which tokens (JWT) requests may carry: their issuers, keys, places, and what is passed on of them.',
  spec: requestAuthenticationSpec,
  columns: [
    countColumn('Rules', 'jwtRules', { about: 'How many sorts of tokens are understood.' }),
    {
      name: 'Issuers',
      type: 'string',
      about: 'Who makes the tokens.',
      value: (spec) => textsOf(spec, 'jwtRules', 'issuer'),
    },
    targetColumn,
  ],
  pending: () => ['spec'],
};
