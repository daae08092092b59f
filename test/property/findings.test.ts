import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRuleFindings } from '../../src/push/status/findings/index.ts';
import { endpoint } from '../support/model.ts';
import { runs } from '../support/property-runs.ts';
import { ruleIdOf } from '../support/rules.ts';
import { StatusMesh } from '../support/status-mesh.ts';

const host = fc.constantFrom('a', 'b', '*.default.svc.cluster.local');
const name = fc.constantFrom('x', 'y');
const version = fc.constantFrom('v1', 'v2');
const port = fc.constantFrom(80, 90);

type Step = (mesh: StatusMesh) => unknown;

const step: fc.Arbitrary<Step> = fc.oneof(
  fc
    .record({ name, host, to: fc.constantFrom('a', 'b'), version, port, gateways: fc.boolean() })
    .map(({ name, host, to, version, port, gateways }): Step => {
      const route = [{ destination: { host: to, subset: version, port: { number: port } } }];
      const spec = {
        hosts: [host],
        ...(gateways ? { gateways: ['mesh', 'edge'] } : {}),
        http: [{ match: [{ port }], route }],
      };
      return (mesh) => mesh.put('VirtualService', `default/${name}`, spec);
    }),
  fc.record({ name, host, version }).map(({ name, host, version }): Step => {
    const spec = { host, subsets: [{ name: version, labels: { version } }] };
    return (mesh) => mesh.put('DestinationRule', `default/${name}`, spec);
  }),
  fc.record({ name, app: fc.constantFrom(null, 'web') }).map(({ name, app }): Step => {
    const selector = app === null ? {} : { workloadSelector: { labels: { app } } };
    return (mesh) => mesh.put('Sidecar', `default/${name}`, { ...selector, egress: [{ hosts: ['*/*'] }] });
  }),
  fc.record({ name, host: fc.constantFrom('a', 'b') }).map(({ name, host }): Step => {
    const hosts = [`${host}.default.svc.cluster.local`];
    const spec = { hosts, ports: [{ number: 80, name: 'http', protocol: 'HTTP' }], resolution: 'STATIC' };
    return (mesh) => mesh.put('ServiceEntry', `default/${name}`, spec);
  }),
  fc.constant((mesh: StatusMesh) =>
    mesh.put('Gateway', 'default/edge', {
      servers: [{ port: { number: 80, name: 'h', protocol: 'HTTP' }, hosts: ['*'] }],
    }),
  ),
  fc
    .record({
      kind: fc.constantFrom('VirtualService', 'DestinationRule', 'Sidecar', 'ServiceEntry', 'Gateway'),
      name: fc.constantFrom('x', 'y', 'edge'),
    })
    .map(
      ({ kind, name }): Step =>
        (mesh) =>
          mesh.remove(kind, `default/${name}`),
    ),
  fc
    .record({
      name: fc.constantFrom('a', 'b'),
      version: fc.option(version),
      port,
      registry: fc.constantFrom('test', 'kubernetes'),
    })
    .map(({ name, version, port, registry }): Step => {
      const endpoints = version === null ? [] : [endpoint('10.0.0.1', { labels: { version } })];
      return (mesh) =>
        mesh.service(name, endpoints, { registry, ports: [{ name: 'http', number: port, protocol: 'http' }] });
    }),
  fc.constantFrom('a', 'b').map(
    (name): Step =>
      (mesh) =>
        mesh.removeService(name),
  ),
);

test('the findings after each change equal a full recomputation', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
      const mesh = new StatusMesh();
      for (const change of steps) {
        change(mesh);
        await mesh.flush();
        const anew = createRuleFindings({ book: mesh.book, mesh: mesh.compiler.mesh });
        for (const object of mesh.objects()) {
          const id = ruleIdOf(`${object.kind}/default/${object.metadata.name}`);
          expect([id, mesh.findings.of(id)]).toEqual([id, anew.of(id)]);
        }
      }
    }),
    { numRuns: runs(150) },
  );
});
