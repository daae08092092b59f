import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { bootstrapCommand } from '../../../src/cli/bootstrap.ts';
import { cliWorld } from '../../support/cli.ts';

const env = { POD_NAME: 'reviews-7d4f-x2x8', POD_NAMESPACE: 'shop', POD_IPS: '10.1.0.7,fd00::7' };
const labels = 'app="reviews"\npod-template-hash="7d4f"\nversion="v1"\n';

describe('binnacle bootstrap in a pod', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'binnacle-pod-'));
    return () => rm(folder, { recursive: true });
  });

  /** Writes files as a kubelet does: in a folder of their time, behind two links. */
  const volume = async (files: Readonly<Record<string, string>>) => {
    await mkdir(join(folder, '..2026_11_29_06_00_00.1'));
    await symlink('..2026_11_29_06_00_00.1', join(folder, '..data'));
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(folder, '..data', name), text);
      await symlink(join('..data', name), join(folder, name));
    }
  };
  const bootstrap = async (flags: string, variables: Readonly<Record<string, string>> = env) => {
    const { context, out } = cliWorld({ env: variables });
    await bootstrapCommand.run(['--pod', folder, ...flags.split(' ').filter(Boolean)], context);
    return parse(out()).node;
  };

  it('has the name, namespace, addresses, labels, account and node of the pod', async () => {
    await volume({ labels });
    expect(await bootstrap('', { ...env, SERVICE_ACCOUNT: 'reviews', NODE_NAME: 'node-1' })).toEqual({
      id: 'sidecar~10.1.0.7~reviews-7d4f-x2x8.shop~shop.svc.cluster.local',
      cluster: 'reviews.shop',
      metadata: {
        NAME: 'reviews-7d4f-x2x8',
        NAMESPACE: 'shop',
        INSTANCE_IPS: '10.1.0.7,fd00::7',
        LABELS: { app: 'reviews', 'pod-template-hash': '7d4f', version: 'v1' },
        INTERCEPTION_MODE: 'REDIRECT',
        SERVICE_ACCOUNT: 'reviews',
        NODE_NAME: 'node-1',
      },
    });
  });

  it('reads name and namespace from the volume, and one address from POD_IP', async () => {
    await volume({ labels: '', name: 'db-0', namespace: 'data' });
    expect(await bootstrap('', { POD_IP: '10.1.0.8' })).toMatchObject({
      id: 'sidecar~10.1.0.8~db-0.data~data.svc.cluster.local',
      cluster: 'db-0.data',
    });
  });

  for (const { says, given, want } of [
    {
      says: 'the labels that Kubernetes copies from the node',
      given: 'topology.istio.io/subzone="r1"\ntopology.kubernetes.io/region="cn"\ntopology.kubernetes.io/zone="z1"\n',
      want: { region: 'cn', zone: 'z1', sub_zone: 'r1' },
    },
    { says: "Istio's label", given: 'istio-locality="cn.z2"\n', want: { region: 'cn', zone: 'z2', sub_zone: '' } },
  ]) {
    it(`has the location of ${says}`, async () => {
      await volume({ labels: given });
      expect((await bootstrap('')).locality).toEqual(want);
    });
  }

  it('prefers flags', async () => {
    await volume({ labels: `${labels}topology.istio.io/network="east"\n` });
    const flags = '--label version=v2 --locality eu/z9 --cluster shop --cluster-id west --network west-1 --ip 10.9.9.9';
    expect(await bootstrap(flags)).toMatchObject({
      id: 'sidecar~10.9.9.9~reviews-7d4f-x2x8.shop~shop.svc.cluster.local',
      cluster: 'shop',
      locality: { region: 'eu', zone: 'z9' },
      metadata: { LABELS: { app: 'reviews', version: 'v2' }, CLUSTER_ID: 'west', NETWORK: 'west-1' },
    });
    expect((await bootstrap('')).metadata.NETWORK).toBe('east');
  });

  it('writes to a file, because the image has no shell', async () => {
    await volume({ labels });
    const file = join(folder, 'envoy.yaml');
    const { context, out } = cliWorld({ env });
    await bootstrapCommand.run(['--pod', folder, '--out', file], context);
    expect(out()).toBe('');
    expect(parse(await readFile(file, 'utf8'))).toMatchObject({ node: { cluster: 'reviews.shop' } });
  });

  it('reports what the pod lacks', async () => {
    await expect(bootstrap('')).rejects.toThrow('there is no file "labels"; mount a downwardAPI volume');
    await volume({ labels: 'app=reviews\n' });
    await expect(bootstrap('')).rejects.toThrow('"app=reviews" is no key="value"');
    await expect(bootstrap('', {})).rejects.toThrow(/POD_IPS.*status\.podIPs/);
    await expect(bootstrap('', { POD_IPS: '10.1.0.7' })).rejects.toThrow(/POD_NAME.*metadata\.name/);
  });
});
