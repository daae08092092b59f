import type { RuleKind } from '../../rule.ts';
import { countColumn, targetColumn, textColumn } from '../shared/columns.ts';
import { type PeerAuthenticationSpec, peerAuthenticationSpec } from './schema.ts';

/** Istio's PeerAuthentication. */
export const peerAuthentication: RuleKind<'PeerAuthentication', PeerAuthenticationSpec> = {
  kind: 'PeerAuthentication',
  plural: 'peerauthentications',
  singular: 'peerauthentication',
  shortNames: ['pa'],
  group: 'security.istio.io',
  versions: ['v1', 'v1beta1'],
  scope: 'namespaced',
  about: 'Whether workloads accept only connections over mutual TLS, per workload and port.',
  spec: peerAuthenticationSpec,
  columns: [
    textColumn('Mode', 'mtls.mode', { about: 'Whether connections must use mutual TLS.', otherwise: 'UNSET' }),
    countColumn('Ports', 'portLevelMtls', { about: 'Ports with another mode.', wide: true }),
    targetColumn,
  ],
  pending: () => ['spec'],
};
