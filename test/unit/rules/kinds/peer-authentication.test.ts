import { describe } from 'vitest';
import { peerAuthentication } from '../../../../src/rules/kinds/peer-authentication/index.ts';
import { accepts, refuses } from '../../../support/bad-specs.ts';

const selector = { matchLabels: { app: 'billing' } };

describe('a PeerAuthentication', () => {
  accepts(peerAuthentication, {
    'a whole mesh': { mtls: { mode: 'STRICT' } },
    nothing: {},
    'ports of a workload': {
      selector,
      mtls: { mode: 'PERMISSIVE' },
      portLevelMtls: { '8080': { mode: 'DISABLE' }, '9000': { mode: 'UNSET' }, '65535': {} },
    },
  });

  refuses(peerAuthentication, [
    {
      name: 'a mode that is none',
      spec: { mtls: { mode: 'STRIKT' } },
      want: [['spec.mtls.mode', 'STRICT (did you mean "STRICT"?)']],
    },
    {
      name: 'ports without a selector',
      spec: { portLevelMtls: { '80': { mode: 'DISABLE' } } },
      want: [['spec.portLevelMtls', 'needs a selector']],
    },
    {
      name: 'ports with a selector of no labels',
      spec: { selector: { matchLabels: {} }, portLevelMtls: { '80': {} } },
      want: [['spec.portLevelMtls', 'needs a selector']],
    },
    {
      name: 'no ports where there should be some',
      spec: { selector, portLevelMtls: {} },
      want: [['spec.portLevelMtls', 'must have a port']],
    },
    {
      name: 'a port out of range',
      spec: { selector, portLevelMtls: { '70000': {} } },
      want: [['spec.portLevelMtls["70000"]', '1 to 65535']],
    },
    {
      name: 'a port by name',
      spec: { selector, portLevelMtls: { http: {} } },
      want: [['spec.portLevelMtls.http', '1 to 65535']],
    },
    {
      name: 'a wildcard in a selector',
      spec: { selector: { matchLabels: { app: 'bill*' } } },
      want: [['spec.selector.matchLabels.app', 'wildcards are not supported']],
    },
    {
      name: 'a label without a name',
      spec: { selector: { matchLabels: { '': 'x' } } },
      want: [['spec.selector.matchLabels[""]', 'a label needs a name']],
    },
    { name: 'a mistyped field', spec: { mtl: {} }, want: [['spec.mtl', 'did you mean "mtls"?']] },
  ]);
});
