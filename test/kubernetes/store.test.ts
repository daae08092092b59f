import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { createKubernetesClient, type KubernetesClient } from '../../src/kubernetes/client.ts';
import { createCredentials } from '../../src/kubernetes/credentials.ts';
import { parseKubeconfig } from '../../src/kubernetes/kubeconfig.ts';
import { steadyClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { servedKinds } from '../../src/rules/kinds/index.ts';
import { kubernetesCapabilities, openKubernetesStore } from '../../src/store/kubernetes/kubernetes.ts';
import { describeWith } from '../support/describe-with.ts';
import { eventually } from '../support/eventually.ts';
import { type Cluster, startCluster } from '../support/kubernetes/cluster.ts';
import { applyLaxDefinitions } from '../support/kubernetes/lax-definitions.ts';
import { storeConformance } from '../support/store-conformance.ts';

describeWith(['kubernetes'], 'on a real API server', () => {
  let cluster: Cluster;
  let client: KubernetesClient;
  let dataDir: string;
  beforeAll(async () => {
    [cluster, dataDir] = await Promise.all([startCluster(), mkdtemp(join(tmpdir(), 'binnacle-store-'))]);
    const access = parseKubeconfig(cluster.kubeconfig(), { context: undefined, directory: dataDir });
    if (!access.ok) throw new Error(access.error);
    client = createKubernetesClient(
      createCredentials(async () => access.value, steadyClock),
      { clock: steadyClock },
    );
    await applyLaxDefinitions(cluster, ['VirtualService', 'Sidecar', 'MeshConfig']);
    for (const { group, versions, plural } of kinds) {
      await whenServed(`/apis/${group}/${versions[0]}/${plural}`);
    }
    for (const name of ['one', 'two', 'another', 'many']) {
      await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    }
  });
  afterAll(async () => {
    client?.close();
    await cluster?.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  const kinds = servedKinds.filter(({ kind }) => ['VirtualService', 'Sidecar', 'MeshConfig'].includes(kind));

  storeConformance('kubernetes', {
    async open(clock) {
      for (const { group, versions, plural } of kinds) {
        await removeAll(`/apis/${group}/${versions[0]}`, plural);
      }
      const options = { client, kinds, log: silentLogger, dataDir, syncTimeoutMs: 1e9, compareMs: 1e9 };
      const store = openKubernetesStore({ ...options, clock: { ...steadyClock, now: clock.now } });
      await eventually(() => store.isReady(), { what: 'the store has listed its objects' });
      return store;
    },
    runs: 0,
    capabilities: kubernetesCapabilities,
  });

  const whenServed = (path: string) =>
    eventually(async () => (await cluster.send(path)).status === 200, { what: `${path} is served` });

  async function removeAll(root: string, plural: string): Promise<void> {
    const { items } = (await cluster.ask(`${root}/${plural}`)) as {
      items: readonly { metadata: { namespace?: string; name: string } }[]; // a list
    };
    for (const { metadata } of items) {
      const place = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
      await cluster.ask(`${root}${place}/${plural}/${metadata.name}`, { method: 'DELETE' });
    }
  }
});
