import { describe } from 'vitest';
import { requestAuthentication } from '../../../../src/rules/kinds/request-authentication/index.ts';
import { accepts, refuses } from '../../../support/bad-specs.ts';

const issuer = 'https://login.example.com';
const rules = (...jwtRules: readonly object[]) => ({ jwtRules });

describe('a RequestAuthentication', () => {
  accepts(requestAuthentication, {
    'every field of a rule': {
      selector: { matchLabels: { app: 'shop' } },
      jwtRules: [
        {
          issuer,
          audiences: ['shop', 'admin'],
          jwksUri: `${issuer}/keys`,
          fromHeaders: [{ name: 'Authorization', prefix: 'Bearer ' }, { name: 'x-token' }],
          fromParams: ['token'],
          fromCookies: ['session'],
          outputPayloadToHeader: 'x-payload',
          outputClaimToHeaders: [{ header: 'x-user', claim: 'sub' }],
          forwardOriginalToken: true,
          timeout: '2s',
          spaceDelimitedClaims: ['scope', 'roles'],
        },
        { issuer: 'own', jwks: '{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}' },
        { jwks_uri: 'http://keys.shop/' },
        { issuer: 'discovered@example.com' },
      ],
    },
    'a target': { targetRefs: [{ kind: 'Gateway', group: 'gateway.networking.k8s.io', name: 'edge' }] },
  });

  refuses(requestAuthentication, [
    {
      name: 'a missing issuer',
      spec: rules({ audiences: ['a'] }),
      want: [['spec.jwtRules[0].issuer', 'is required']],
    },
    { name: 'an empty issuer', spec: rules({ issuer: '' }), want: [['spec.jwtRules[0].issuer', 'must not be empty']] },
    {
      name: 'keys in two places',
      spec: rules({ issuer, jwks: '{"keys":[{"kty":"RSA"}]}', jwksUri: issuer }),
      want: [['spec.jwtRules[0]', 'only one of jwksUri']],
    },
    {
      name: 'an address that is none',
      spec: rules({ issuer, jwksUri: 'ftp://keys' }),
      want: [['spec.jwtRules[0].jwksUri', 'http:// or https://']],
    },
    {
      name: 'keys that are no JSON',
      spec: rules({ issuer, jwks: '{keys' }),
      want: [['spec.jwtRules[0].jwks', 'JSON Web Key Set']],
    },
    {
      name: 'a single key instead of a set',
      spec: rules({ issuer, jwks: '{"kty":"RSA"}' }),
      want: [['spec.jwtRules[0].jwks', 'JSON Web Key Set']],
    },
    {
      name: 'a header without name',
      spec: rules({ issuer, fromHeaders: [{ prefix: 'Bearer ' }] }),
      want: [['spec.jwtRules[0].fromHeaders[0].name', 'expected string']],
    },
    {
      name: 'a header with a space',
      spec: rules({ issuer, fromHeaders: [{ name: 'x token' }] }),
      want: [['spec.jwtRules[0].fromHeaders[0].name', 'must be a header name']],
    },
    {
      name: 'a claim to a header that is none',
      spec: rules({ issuer, outputClaimToHeaders: [{ header: 'x user', claim: 'sub' }] }),
      want: [['spec.jwtRules[0].outputClaimToHeaders[0].header', 'must be a header name']],
    },
    {
      name: 'a claim to a header without name',
      spec: rules({ issuer, outputClaimToHeaders: [{ header: '', claim: 'sub' }] }),
      want: [['spec.jwtRules[0].outputClaimToHeaders[0].header', 'must not be empty']],
    },
    {
      name: 'a timeout of nothing',
      spec: rules({ issuer, timeout: '0s' }),
      want: [['spec.jwtRules[0].timeout', '1ms or more']],
    },
    {
      name: 'empty places',
      spec: rules({ issuer, fromParams: [''], fromCookies: [''] }),
      want: [
        ['spec.jwtRules[0].fromParams[0]', 'must not be empty'],
        ['spec.jwtRules[0].fromCookies[0]', 'must not be empty'],
      ],
    },
    {
      name: 'a selector beside a target',
      spec: { selector: {}, targetRefs: [{ kind: 'Service', name: 'shop' }] },
      want: [['spec', 'only one of selector, targetRef and targetRefs']],
    },
    {
      name: 'a target of a kind that has no policies',
      spec: { targetRefs: [{ kind: 'Pod', name: 'shop' }] },
      want: [['spec.targetRefs[0].kind', 'must be Service']],
    },
    {
      name: 'a target elsewhere',
      spec: { targetRef: { kind: 'Service', name: 'shop', namespace: 'other' } },
      want: [['spec.targetRef.namespace', 'must be left out']],
    },
  ]);
});
