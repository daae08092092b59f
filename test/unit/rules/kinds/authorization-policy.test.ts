import { describe } from 'vitest';
import { authorizationPolicy } from '../../../../src/rules/kinds/authorization-policy/index.ts';
import { accepts, refuses } from '../../../support/bad-specs.ts';

const rules = (...list: readonly object[]) => ({ rules: list });
const from = (source: object) => rules({ from: [{ source }] });
const to = (operation: object) => rules({ to: [{ operation }] });
const when = (key: string, ...values: readonly string[]) => rules({ when: [{ key, values }] });

describe('an AuthorizationPolicy', () => {
  accepts(authorizationPolicy, {
    'nothing, which allows nothing': {},
    'every field of a rule': {
      selector: { matchLabels: { app: 'shop' } },
      action: 'DENY',
      rules: [
        {
          from: [
            {
              source: {
                principals: ['cluster.local/ns/a/sa/web', '*/sa/cron'],
                notPrincipals: ['*'],
                requestPrincipals: ['issuer/*'],
                notRequestPrincipals: ['issuer/bad'],
                namespaces: ['a', 'b*'],
                notNamespaces: ['c'],
                trustDomains: ['cluster.local', '*.example.com'],
                notTrustDomains: ['old*'],
                ipBlocks: ['10.0.0.0/8', '1.2.3.4'],
                notIpBlocks: ['fd00::/8'],
                remoteIpBlocks: ['::1'],
                notRemoteIpBlocks: ['192.0.2.0/24'],
              },
            },
            { source: { serviceAccounts: ['web', 'a/web'], notServiceAccounts: ['b/cron'] } },
          ],
          to: [
            {
              operation: {
                hosts: ['shop.example.com', '*.example.com'],
                notHosts: ['admin*'],
                ports: ['80', '0', '65535'],
                notPorts: ['9000'],
                methods: ['GET'],
                notMethods: ['DELETE'],
                paths: ['/a/{*}/b', '/c/{**}', '/plain*', '/', '*/end'],
                notPaths: ['/private/*'],
              },
            },
          ],
          when: [
            { key: 'request.headers[x-version]', values: ['v1', 'v2'] },
            { key: 'request.auth.claims[groups][name]', notValues: ['guest'] },
            { key: 'source.ip', values: ['10.1.2.3', '10.0.0.0/8'] },
            { key: 'destination.port', values: ['443'] },
            { key: 'source.serviceAccount', values: ['a/web'] },
            { key: 'source.trustDomain', values: ['*'] },
            { key: 'experimental.envoy.filters.network.mysql_proxy[db.table]', values: ['[a]'] },
          ],
        },
        {},
      ],
    },
    'a provider that decides': {
      targetRefs: [{ kind: 'ServiceEntry', group: 'networking.istio.io', name: 'api' }],
      action: 'CUSTOM',
      provider: { name: 'opa' },
      rules: [{ from: [{ source: { ipBlocks: ['10.0.0.0/8'] } }], to: [{ operation: { paths: ['/admin'] } }] }],
    },
  });

  refuses(authorizationPolicy, [
    { name: 'an unknown action', spec: { action: 'ALOW' }, want: [['spec.action', 'did you mean "ALLOW"?']] },
    {
      name: 'DENY without rules',
      spec: { action: 'DENY' },
      want: [['spec.rules', 'DENY without rules has no effect']],
    },
    {
      name: 'CUSTOM without rules and provider',
      spec: { action: 'CUSTOM' },
      want: [
        ['spec.rules', 'CUSTOM without rules'],
        ['spec.provider.name', 'is required with action CUSTOM'],
      ],
    },
    {
      name: 'CUSTOM that asks for identities',
      spec: {
        action: 'CUSTOM',
        provider: { name: 'opa' },
        rules: [
          {
            from: [{ source: { principals: ['*'], namespaces: ['a'] } }],
            when: [{ key: 'request.auth.claims[iss]', values: ['a'] }],
          },
        ],
      },
      want: [
        ['spec.rules[0].from[0].source.principals', 'cannot be used with action CUSTOM'],
        ['spec.rules[0].from[0].source.namespaces', 'cannot be used with action CUSTOM'],
        ['spec.rules[0].when[0].key', 'request.auth.claims[iss] cannot be used with action CUSTOM'],
      ],
    },
    {
      name: 'a provider that is not asked',
      spec: { provider: { name: 'opa' } },
      want: [['spec.provider', 'must be left out with action ALLOW']],
    },
    {
      name: 'empty lists, which are ambiguous',
      spec: rules({ from: [], to: [], when: [] }),
      want: [
        ['spec.rules[0].from', 'must not be empty'],
        ['spec.rules[0].to', 'must not be empty'],
        ['spec.rules[0].when', 'must not be empty'],
      ],
    },
    {
      name: 'a source without fields',
      spec: from({ principals: [] }),
      want: [['spec.rules[0].from[0].source', 'must say who']],
    },
    {
      name: 'an operation that is missing',
      spec: rules({ to: [{}] }),
      want: [['spec.rules[0].to[0].operation', 'must say what']],
    },
    {
      name: 'an empty principal',
      spec: from({ principals: [''] }),
      want: [['spec.rules[0].from[0].source.principals[0]', 'must not be empty']],
    },
    {
      name: 'addresses that are none',
      spec: from({ ipBlocks: ['10.0.0.0/33'], notRemoteIpBlocks: ['host'] }),
      want: [
        ['spec.rules[0].from[0].source.ipBlocks[0]', 'an IP address or a range'],
        ['spec.rules[0].from[0].source.notRemoteIpBlocks[0]', 'an IP address or a range'],
      ],
    },
    {
      name: 'service accounts beside namespaces',
      spec: from({ serviceAccounts: ['a/web'], namespaces: ['a'] }),
      want: [['spec.rules[0].from[0].source.namespaces', 'cannot be set together with serviceAccounts']],
    },
    {
      name: 'service accounts of another form',
      spec: from({ serviceAccounts: ['a/b/c', 'web*', '/web'] }),
      want: [
        ['spec.rules[0].from[0].source.serviceAccounts[0]', 'namespace/service account'],
        ['spec.rules[0].from[0].source.serviceAccounts[1]', 'no wildcards'],
        ['spec.rules[0].from[0].source.serviceAccounts[2]', 'namespace/service account'],
      ],
    },
    {
      name: 'trust domains of another form',
      spec: from({ trustDomains: ['a/b', 'a*b'] }),
      want: [
        ['spec.rules[0].from[0].source.trustDomains[0]', 'without "/"'],
        ['spec.rules[0].from[0].source.trustDomains[1]', 'one "*"'],
      ],
    },
    {
      name: 'ports that are none',
      spec: to({ ports: ['65536', 'http'] }),
      want: [
        ['spec.rules[0].to[0].operation.ports[0]', 'must be a port'],
        ['spec.rules[0].to[0].operation.ports[1]', 'must be a port'],
      ],
    },
    {
      name: 'path templates that proxies reject',
      spec: to({ paths: ['/a/{name}', '/{**}/a/{*}', '/a*/{*}'] }),
      want: [
        ['spec.rules[0].to[0].operation.paths[0]', '{ and } only in'],
        ['spec.rules[0].to[0].operation.paths[1]', 'must end with {**}'],
        ['spec.rules[0].to[0].operation.paths[2]', 'segment "a*"'],
      ],
    },
    {
      name: 'an unknown attribute',
      spec: when('source.adress', 'a'),
      want: [['spec.rules[0].when[0].key', 'must be an attribute']],
    },
    {
      name: 'an attribute of earlier versions',
      spec: when('destination.labels[app]', 'a'),
      want: [['spec.rules[0].when[0].key', 'use selector']],
    },
    {
      name: 'a header that is not named',
      spec: when('request.headers', 'a'),
      want: [['spec.rules[0].when[0].key', 'request.headers[name]']],
    },
    {
      name: 'a condition without values',
      spec: when('source.ip'),
      want: [['spec.rules[0].when[0].values', 'must be given']],
    },
    {
      name: 'values that do not fit the attribute',
      spec: rules({ when: [{ key: 'remote.ip', values: ['a'], notValues: ['b'] }] }),
      want: [
        ['spec.rules[0].when[0].values[0]', 'an IP address'],
        ['spec.rules[0].when[0].notValues[0]', 'an IP address'],
      ],
    },
  ]);
});
