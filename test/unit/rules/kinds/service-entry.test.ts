import { describe, expect, test } from 'vitest';
import { serviceEntry } from '../../../../src/rules/kinds/service-entry/index.ts';
import { refuses } from '../../../support/bad-specs.ts';

const entry = (fields: object) => ({ hosts: ['a.example'], ...fields });

describe('ServiceEntry', () => {
  refuses(serviceEntry, [
    { name: 'no hosts', spec: { ports: [] }, want: [['spec.hosts', 'expected array']] },
    {
      name: 'an unknown protocol',
      spec: entry({ ports: [{ number: 25, name: 'mail', protocol: 'SMTP' }] }),
      want: [['spec.ports[0].protocol', 'must be one of http']],
    },
    {
      name: 'a port above the last',
      spec: entry({ ports: [{ number: 65_536, name: 'a' }] }),
      want: [['spec.ports[0].number', '1 to 65535']],
    },
    {
      name: "the sidecars' own ports",
      spec: entry({ ports: [15_001, 80, 15_006].map((number) => ({ number, name: `tcp-${number}` })) }),
      want: [
        ['spec.ports[0].number', '15001 is a port of the sidecars themselves'],
        ['spec.ports[2].number', '15006 is a port of the sidecars themselves'],
      ],
    },
    {
      name: 'addresses that match every address',
      spec: entry({ addresses: ['0.0.0.0', '10.0.0.1', '::', '0:0::0', '0.0.0.0/0', '10.0.0.0/0'] }),
      want: [0, 2, 3, 4, 5].map((index) => [`spec.addresses[${index}]`, 'stands for every address'] as const),
    },
    {
      name: 'a resolution that is none, with the one that was meant',
      spec: entry({ resolution: 'STATICS' }),
      want: [['spec.resolution', 'did you mean "STATIC"']],
    },
    {
      name: 'a name where an address is needed',
      spec: entry({ resolution: 'STATIC', endpoints: [{ address: 'b.example' }] }),
      want: [['spec.endpoints[0].address', 'must be an IP address']],
    },
    {
      name: 'an endpoint without an address',
      spec: entry({ resolution: 'STATIC', endpoints: [{ weight: 1 }] }),
      want: [['spec.endpoints[0].address', 'is required, unless network is set']],
    },
    {
      name: 'a namespace that is none',
      spec: entry({ exportTo: ['Shop'] }),
      want: [['spec.exportTo[0]', 'must be *, . (the own namespace)']],
    },
    {
      name: 'several hosts with a port that does not name the host',
      spec: entry({
        hosts: ['a.example', 'b.example'],
        resolution: 'DNS',
        ports: [
          { number: 80, name: 'http' },
          { number: 25, name: 'mail' },
        ],
      }),
      want: [['spec.hosts', 'port 25 has neither']],
    },
    {
      name: 'a single name with DYNAMIC_DNS',
      spec: entry({ resolution: 'DYNAMIC_DNS' }),
      want: [['spec.hosts[0]', 'must be a wildcard']],
    },
    {
      name: 'what DYNAMIC_DNS cannot have',
      spec: {
        hosts: ['*.example'],
        resolution: 'DYNAMIC_DNS',
        addresses: ['10.0.0.1'],
        endpoints: [{ address: '10.0.0.2' }],
        ports: [{ number: 25, name: 'tcp' }],
      },
      want: [
        ['spec.addresses', 'leave the addresses out'],
        ['spec.ports[0].protocol', 'must be HTTP, HTTP2, GRPC, HTTPS or TLS'],
        ['spec.endpoints', 'leave the endpoints out'],
      ],
    },
    {
      name: 'a selector with a wildcard',
      spec: entry({ workloadSelector: { labels: { app: '*' } } }),
      want: [['spec.workloadSelector.labels.app', 'wildcards are not supported']],
    },
  ]);

  for (const { name, spec, want } of [
    {
      name: 'an endpoint without an address',
      spec: { resolution: 'STATIC', endpoints: [{ address: 'unix:///a' }, { network: 'n' }] },
      want: ['spec.endpoints[1]'],
    },
  ]) {
    test(`reports that ${name} has no effect yet`, () => {
      expect(serviceEntry.pending(serviceEntry.spec.parse(entry(spec)))).toEqual(want);
    });
  }

  test('a wildcard of a part of a label is accepted with a warning', () => {
    const spec = serviceEntry.spec.parse(entry({ hosts: ['*.ok.example', '*-api.shop.example'] }));
    expect(serviceEntry.doubts?.(spec)).toEqual([
      {
        path: 'spec.hosts[1]',
        message: '*-api.shop.example matches hosts of HTTP requests only: TLS needs *.shop.example',
      },
    ]);
  });
});
