import { describe, expect, test } from 'vitest';
import { workloadEntry } from '../../../../src/rules/kinds/workload-entry/index.ts';
import { workloadGroup } from '../../../../src/rules/kinds/workload-group/index.ts';
import { accepts, refuses } from '../../../support/bad-specs.ts';

const manyPorts = Object.fromEntries(Array.from({ length: 129 }, (_, index) => [`p${index}`, 80]));

describe('WorkloadEntry', () => {
  refuses(workloadEntry, [
    { name: 'no address', spec: {}, want: [['spec.address', 'is required, unless network is set']] },
    { name: 'an address that is none', spec: { address: 'a b' }, want: [['spec.address', 'IP address or a hostname']] },
    {
      name: 'a socket with a relative path',
      spec: { address: 'unix://a.sock' },
      want: [['spec.address', 'must be an absolute path']],
    },
    {
      name: 'a socket with ports',
      spec: { address: 'unix:///a.sock', ports: { http: 80 } },
      want: [['spec.ports', 'has no ports']],
    },
    {
      name: 'a port above the last',
      spec: { address: '10.0.0.1', ports: { http: 65_536 } },
      want: [['spec.ports.http', '1 to 65535']],
    },
    {
      name: 'too many ports',
      spec: { address: '10.0.0.1', ports: manyPorts },
      want: [['spec.ports', 'at most 128 ports']],
    },
    { name: 'a negative weight', spec: { address: '10.0.0.1', weight: -1 }, want: [['spec.weight', 'too small']] },
  ]);

  for (const { spec, want } of [
    { spec: { address: '10.0.0.1' }, want: [] },
    { spec: { address: '10.0.0.1', network: 'n', serviceAccount: 'a' }, want: ['spec.serviceAccount'] },
    { spec: { network: 'n' }, want: ['spec'] },
    { spec: { address: 'unix:///a.sock' }, want: [] },
  ]) {
    test(`reports the fields of ${JSON.stringify(spec)} that have no effect yet`, () => {
      expect(workloadEntry.pending(spec)).toEqual(want);
    });
  }
});

describe('WorkloadGroup', () => {
  test('reports that its probe has no effect yet', () => {
    const spec = workloadGroup.spec.parse({ template: { weight: 2 }, probe: { tcpSocket: { port: 80 } } });
    expect(workloadGroup.pending(spec)).toEqual(['spec.probe']);
  });

  accepts(workloadGroup, { 'a template without an address': { template: {} } });

  refuses(workloadGroup, [
    { name: 'no template', spec: {}, want: [['spec.template', 'expected object']] },
    {
      name: 'a probe of two kinds',
      spec: { template: {}, probe: { tcpSocket: { port: 80 }, exec: { command: ['a'] } } },
      want: [['spec.probe', 'exactly one of httpGet, tcpSocket, exec and grpc']],
    },
    {
      name: 'a probe of none',
      spec: { template: {}, probe: { periodSeconds: 5 } },
      want: [['spec.probe', 'exactly one of httpGet, tcpSocket, exec and grpc']],
    },
    {
      name: 'a probe without a port',
      spec: { template: {}, probe: { httpGet: { path: '/' } } },
      want: [['spec.probe.httpGet.port', 'expected number']],
    },
    {
      name: 'a scheme that is none',
      spec: { template: {}, probe: { httpGet: { port: 80, scheme: 'http' } } },
      want: [['spec.probe.httpGet.scheme', 'must be HTTP or HTTPS']],
    },
    {
      name: 'a header with a space',
      spec: { template: {}, probe: { httpGet: { port: 80, httpHeaders: [{ name: 'a b' }] } } },
      want: [['spec.probe.httpGet.httpHeaders[0].name', 'must be letters, digits']],
    },
    {
      name: 'an empty command',
      spec: { template: {}, probe: { exec: { command: [] } } },
      want: [['spec.probe.exec.command', 'too small']],
    },
    {
      name: 'a template with a socket and ports',
      spec: { template: { address: 'unix:///a', ports: { http: 80 } } },
      want: [['spec.template.ports', 'has no ports']],
    },
  ]);
});
