import { describe, expect, test } from 'vitest';
import { gateway } from '../../../../src/rules/kinds/gateway/index.ts';
import { refuses } from '../../../support/bad-specs.ts';

const plain = { port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'] };
const secure = { port: { number: 443, name: 'https', protocol: 'HTTPS' }, hosts: ['*'] };
const one = (server: object) => ({ servers: [server] });
const tls = (fields: object) => one({ ...secure, tls: fields });

describe('Gateway', () => {
  refuses(gateway, [
    { name: 'no servers', spec: { selector: {} }, want: [['spec.servers', 'expected array']] },
    { name: 'an empty list of servers', spec: { servers: [] }, want: [['spec.servers', 'at least one server']] },
    {
      name: 'a server without hosts',
      spec: one({ ...plain, hosts: [] }),
      want: [['spec.servers[0].hosts', 'one host']],
    },
    {
      name: 'a wildcard within a host',
      spec: one({ ...plain, hosts: ['shop/a*.example.com'] }),
      want: [['spec.servers[0].hosts[0]', 'must be a hostname']],
    },
    {
      name: 'an unknown protocol',
      spec: one({ ...plain, port: { ...plain.port, protocol: 'SPDY' } }),
      want: [['spec.servers[0].port.protocol', 'must be one of http']],
    },
    {
      name: 'a port 0',
      spec: one({ ...plain, port: { ...plain.port, number: 0 } }),
      want: [['spec.servers[0].port.number', '1 to 65535']],
    },
    {
      name: 'a socket with a port',
      spec: one({ ...plain, bind: 'unix:///a' }),
      want: [['spec.servers[0].port.number', 'must be 0']],
    },
    {
      name: 'a name to listen at',
      spec: one({ ...plain, bind: 'localhost' }),
      want: [['spec.servers[0].bind', 'IP address or unix:///path']],
    },
    {
      name: 'duplicate names',
      spec: {
        servers: [
          { ...plain, name: 'a' },
          { ...secure, port: { ...secure.port, name: 'http' }, name: 'a', tls: {} },
        ],
      },
      want: [
        ['spec.servers[1].port.name', "'http' is used twice"],
        ['spec.servers[1].name', "'a' is used twice"],
      ],
    },
    { name: 'HTTPS without TLS', spec: one(secure), want: [['spec.servers[0].tls', 'is required for protocol HTTPS']] },
    {
      name: 'certificates for plain HTTP',
      spec: one({ ...plain, tls: { mode: 'SIMPLE', credentialName: 'a' } }),
      want: [['spec.servers[0].tls', 'only hold httpsRedirect']],
    },
    {
      name: 'TLS for TCP',
      spec: one({ ...plain, port: { ...plain.port, protocol: 'TCP' }, tls: {} }),
      want: [['spec.servers[0].tls', 'choose TLS or HTTPS']],
    },
    {
      name: 'TLS that ends here without a certificate',
      spec: tls({ mode: 'SIMPLE' }),
      want: [
        ['spec.servers[0].tls.serverCertificate', 'is required with mode SIMPLE'],
        ['spec.servers[0].tls.privateKey', 'is required with mode SIMPLE'],
      ],
    },
    {
      name: 'client certificates without authorities',
      spec: tls({ mode: 'MUTUAL', serverCertificate: '/c', privateKey: '/k' }),
      want: [['spec.servers[0].tls.caCertificates', 'is required with mode MUTUAL']],
    },
    {
      name: "certificates for a server with the mesh's certificate",
      spec: tls({ mode: 'ISTIO_MUTUAL', credentialName: 'a' }),
      want: [['spec.servers[0].tls.credentialName', 'cannot be set with mode ISTIO_MUTUAL']],
    },
    {
      name: 'a secret and secrets',
      spec: tls({ mode: 'SIMPLE', credentialName: 'a', credentialNames: ['b'] }),
      want: [['spec.servers[0].tls.credentialNames', 'only one of it and credentialName']],
    },
    {
      name: 'three secrets',
      spec: tls({ mode: 'SIMPLE', credentialNames: ['a', 'b', 'c'] }),
      want: [['spec.servers[0].tls.credentialNames', 'too big']],
    },
    {
      name: 'revoked certificates where none is asked for',
      spec: tls({ mode: 'SIMPLE', credentialName: 'a', caCrl: '/crl' }),
      want: [['spec.servers[0].tls.caCrl', 'has no meaning with mode SIMPLE']],
    },
    {
      name: 'a version of TLS that is none',
      spec: tls({ mode: 'PASSTHROUGH', minProtocolVersion: 'TLSV1_4' }),
      want: [['spec.servers[0].tls.minProtocolVersion', 'must be one of TLS_AUTO']],
    },
  ]);

  test('has no effect yet', () => expect(gateway.pending({ servers: [] })).toEqual(['spec']));

  test('is listed by selector, protocols and hosts', () => {
    const spec = { selector: { istio: 'edge', zone: 'a' }, servers: [plain, { ...secure, hosts: ['a.example', '*'] }] };
    expect(gateway.columns.map(({ name, value }) => [name, value(spec)])).toEqual([
      ['Selector', 'istio=edge,zone=a'],
      ['Protocols', 'HTTP,HTTPS'],
      ['Hosts', '*,a.example'],
    ]);
    expect(gateway.columns.map(({ value }) => value({}))).toEqual([null, null, null]);
  });
});
