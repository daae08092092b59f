import { describe, expect, it } from 'vitest';
import { cli } from '../../support/cli.ts';
import { httpManager, tcpProxy } from '../../support/simulated.ts';

/** Writes a config dump as Envoy's admin interface does, with the field names of the .proto files. */
const dump = (parts: { readonly listeners?: readonly object[]; readonly routes?: readonly object[] }) =>
  JSON.stringify({
    configs: [
      { '@type': 'type.googleapis.com/envoy.admin.v3.BootstrapConfigDump', bootstrap: {} },
      {
        '@type': 'type.googleapis.com/envoy.admin.v3.ClustersConfigDump',
        static_clusters: [{ cluster: { name: 'own' } }],
        dynamic_active_clusters: [{ cluster: { name: 'shop' } }],
      },
      {
        '@type': 'type.googleapis.com/envoy.admin.v3.ListenersConfigDump',
        dynamic_listeners: [
          { name: 'warming', warming_state: {} },
          ...(parts.listeners ?? []).map((listener) => ({ active_state: { listener } })),
        ],
      },
      {
        '@type': 'type.googleapis.com/envoy.admin.v3.RoutesConfigDump',
        dynamic_route_configs: (parts.routes ?? []).map((route_config) => ({ route_config })),
      },
    ],
  });

const listener = (address: string, port_value: number, typed_config: object) => ({
  name: `${address}_${port_value}`,
  address: { socket_address: { address, port_value } },
  filter_chains: [{ name: 'only', filters: [{ name: 'one', typed_config }] }],
});

const routed = dump({
  listeners: [
    listener('0.0.0.0', 80, httpManager({ rds: { route_config_name: '80' } })),
    listener(
      '10.0.0.7',
      90,
      tcpProxy({
        weighted_clusters: {
          clusters: [
            { name: 'shop', weight: 1 },
            { name: 'x', weight: 3 },
          ],
        },
      }),
    ),
    { ...listener('0.0.0.0', 15_001, tcpProxy({ cluster: 'own' })), use_original_dst: true },
    listener('0.0.0.0', 15_006, tcpProxy({ cluster: 'own' })),
  ],
  routes: [
    {
      name: '80',
      ignore_port_in_host_matching: true,
      virtual_hosts: [
        {
          name: 'shop:80',
          domains: ['shop', '10.0.0.7'],
          routes: [
            {
              match: { prefix: '/', headers: [{ name: 'x-v', string_match: { exact: '2' } }] },
              direct_response: { status: 204 },
            },
            { name: 'rest', match: { path_separated_prefix: '/a' }, route: { cluster: 'shop' } },
          ],
        },
      ],
    },
  ],
});

const ask = async (line: string, input = routed) => cli(['route-test', '-f', '-', ...line.split(' ')], { input });

describe('route-test of a config dump', () => {
  it('shows the steps of a call', async () => {
    const { code, out, errors } = await ask('http://shop/a?b');

    expect({ code, errors }).toEqual({ code: 0, errors: [] });
    expect(out).toBe(
      [
        'STEP                  NAME              FROM',
        'listener              0.0.0.0_80',
        'filter chain          only',
        'route configuration   80',
        'virtual host          shop:80',
        'route                 rest (number 2)',
        'cluster               shop',
        '',
      ].join('\n'),
    );
  });

  for (const { line, want } of [
    { line: 'http://shop/b -H x-v:2', want: /^response +204$/m },
    { line: 'http://shop/b', want: /^error +no-route: none of 2 routes fits GET \/b$/m },
    { line: 'http://other/', want: /^error +no-virtual-host: no virtual host has the domain other$/m },
    { line: 'http://shop:81/', want: /^listener +0\.0\.0\.0_15001$/m },
    { line: 'https://shop:80/', want: /^error +protocol-error: /m },
    { line: 'tcp://10.0.0.7:90', want: /^cluster +shop \(25 %\)\ncluster +x \(75 %\) \(does not exist\)$/m },
    { line: 'tcp://shop:90 --address 10.0.0.7', want: /^listener +10\.0\.0\.7_90$/m },
    { line: 'http://10.1.1.1:8080/ --inbound', want: /^listener +0\.0\.0\.0_15006\n(.*\n)*cluster +own$/m },
  ]) {
    it(`answers ${line}`, async () => {
      expect((await ask(line)).out).toMatch(want);
    });
  }

  it('describes the call and the answer in JSON', async () => {
    const { out } = await ask('https://shop:80/a --http2 --client-certificate -X post -o json');

    expect(JSON.parse(out)).toMatchObject({
      call: {
        address: '10.0.0.7',
        port: 80,
        protocol: 'http2',
        tls: 'mtls',
        sni: 'shop',
        alpn: ['h2'],
        method: 'POST',
      },
      listener: '0.0.0.0_80',
      chain: 'only',
      outcome: { type: 'error', error: 'protocol-error' },
    });
  });

  it('calls an uncaptured proxy on this machine', async () => {
    const listeners = [listener('127.0.0.1', 90, tcpProxy({ cluster: 'shop' }))];

    expect((await ask('tcp://shop:90', dump({ listeners }))).out).toMatch(/^listener +127\.0\.0\.1_90$/m);
    expect((await ask('tcp://shop:91', dump({ listeners }))).out).toMatch(
      /^error +no-listener: no listener for 127\.0\.0\.1 and port 91$/m,
    );
  });

  it('warns if the unknown address decides', async () => {
    const { errors, out } = await ask('tcp://shop:90');

    expect(errors).toEqual(['Warning: 1 listeners of port 90 are for single addresses: name one with --address']);
    expect(out).toContain('0.0.0.0_15001');
  });
});

describe('route-test rejects', () => {
  for (const { line, code, want } of [
    { line: 'ftp://shop/', code: 2, want: '"ftp://shop/" must be http://…, https://…, tcp://… or tls://…' },
    { line: 'tcp://shop', code: 2, want: 'needs a port from 1 to 65535' },
    { line: 'http://shop:70000/', code: 2, want: 'needs a port from 1 to 65535' },
    { line: 'http://shop/ --address shop', code: 2, want: '--address must be an IP address' },
    { line: 'http://shop/ -H nothing', code: 2, want: '--header needs "NAME: VALUE"' },
    { line: 'web.shop http://shop/', code: 2, want: 'with -f, give one URL and no proxy' },
  ]) {
    it(`${line}`, async () => {
      const ran = await ask(line);

      expect(ran.code).toBe(code);
      expect(ran.errors.join()).toContain(want);
    });
  }

  it('a call without a proxy', async () => {
    const { code, errors } = await cli(['route-test', 'http://shop/']);

    expect(code).toBe(2);
    expect(errors.join()).toContain('name a proxy and a URL');
  });

  it('a file that is no config dump', async () => {
    for (const input of ['{}', '[]', 'no JSON', '{"configs": 1}']) {
      const { code, errors } = await ask('http://shop/', input);
      expect(code).toBe(4);
      expect(errors.join()).toContain('is no config dump in JSON');
    }
  });
});
