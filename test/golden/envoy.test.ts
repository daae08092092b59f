import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { NamedCluster } from '../../src/compile/generators/clusters.ts';
import { encodeCluster } from '../../src/proto/json.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { type Envoy, startEnvoy } from '../support/envoy.ts';
import { sidecarBootstrap } from '../support/envoy-bootstrap.ts';
import { eventually } from '../support/eventually.ts';
import { get } from '../support/http.ts';
import { createMeshDir, type MeshDir } from '../support/mesh-dir.ts';
import { readCases } from './cases.ts';
import { compileCase } from './compile-case.ts';
import { settledProblems } from './envoy-problems.ts';
import { startFixedControlPlane } from './fixed-control-plane.ts';

const cases = (await readCases()).filter(({ proxies }) => proxies.some(({ client }) => client === 'envoy'));

/**
 * One Envoy at a time: captured ones all listen on 15001 and 15006. Only a running Envoy's report counts: `--mode
 * validate` ignores resources from ADS.
 */
describeWith(['envoy'], 'a real Envoy accepts', () => {
  for (const golden of cases) {
    describe(golden.name, () => {
      let mesh: MeshDir;
      let controlPlane: ControlPlane;
      let envoy: Envoy | null = null;

      beforeAll(async () => {
        mesh = await createMeshDir();
        await writeFile(join(mesh.path, `${golden.name}.yaml`), golden.mesh);
        controlPlane = await startControlPlane({ args: ['--mesh-dir', mesh.path] });
      });
      afterEach(() => envoy?.stop());
      afterAll(async () => {
        await controlPlane?.stop();
        await mesh?.delete();
      });

      const envoys = golden.proxies.filter(({ client }) => client === 'envoy');
      const asked = envoys.flatMap((proxy) => [
        { proxy, protocol: 'delta' } as const,
        { proxy, protocol: 'sotw' } as const,
      ]);
      for (const { proxy, protocol } of asked) {
        it(`as ${proxy.name}, over ${protocol}`, async () => {
          const want = (await compileCase(golden)).proxies.get(proxy.name);
          const bootstrap = proxy.bootstrap(controlPlane.xdsPort, protocol);
          envoy = await startEnvoy({ bootstrap });

          const problems = await settledProblems({
            envoy,
            nodeId: bootstrap.node.id,
            syncz: async () => (await get(controlPlane.httpPort, { path: '/debug/syncz' })).body,
            ...(want === undefined ? {} : { want }),
          });

          expect(problems).toEqual([]);
        });
      }
    });
  }
});

/** Proves that the check finds problems. */
describeWith(['envoy'], 'the check of a real Envoy', () => {
  const running: { stop(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const part of running.splice(0).reverse()) await part.stop();
  });

  const problemsWith = async (...clusters: readonly NamedCluster[]) => {
    const controlPlane = await startFixedControlPlane({ cluster: clusters.map(encodeCluster) });
    running.push(controlPlane);
    const bootstrap = sidecarBootstrap({ xdsPort: controlPlane.xdsPort, protocol: 'delta', name: 'broken' });
    const envoy = await startEnvoy({ bootstrap, waitReady: false });
    running.push(envoy);
    await eventually(async () => (await envoy.stats('cds.update_attempt')).get('cluster_manager.cds.update_attempt'), {
      what: 'the clusters',
    });
    return settledProblems({
      envoy,
      syncz: controlPlane.syncz,
      nodeId: 'sidecar~10.0.0.1~broken.default~default.svc.cluster.local',
    });
  };

  it('finds a cluster that Envoy rejects', async () => {
    const problems = await problemsWith({ name: 'bad', type: 'STATIC', lbPolicy: 'CLUSTER_PROVIDED' });

    expect(problems).toContain('cluster: NACK');
    expect(problems).toContain('cluster_manager.cds.update_rejected is 1');
    expect(problems.join()).toMatch(/cluster: rejected: .*bad/);
  });

  it('finds a cluster that waits for its endpoints', async () => {
    const problems = await problemsWith({ name: 'waiting', type: 'EDS', edsClusterConfig: { edsConfig: elsewhere } });

    expect(problems).toContain('cluster waiting is warming');
    expect(problems).toContain('cluster_manager.warming_clusters is 1');
  });
});

/** A source over REST, which is not served. Over gRPC, a missing assignment would get an answer. */
const elsewhere: NonNullable<NonNullable<NamedCluster['edsClusterConfig']>['edsConfig']> = {
  resourceApiVersion: 'V3',
  apiConfigSource: {
    apiType: 'REST',
    transportApiVersion: 'V3',
    clusterNames: ['xds-grpc'],
    refreshDelay: '1s',
    requestTimeout: '1s',
  },
};
