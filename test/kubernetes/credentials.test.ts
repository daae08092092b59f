import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { describeWith } from '../support/describe-with.ts';
import type { ClusterClient } from '../support/kubernetes/cluster-client.ts';
import { applyDeployment } from '../support/kubernetes/deployment.ts';
import { type Reader, startReader } from '../support/kubernetes/reader.ts';
import { sharedCluster } from '../support/kubernetes/shared-cluster.ts';

describeWith(['kubernetes', 'istioCrds'], 'the credentials that rules refer to', () => {
  let cluster: ClusterClient;
  let dir = '';
  let namespace = '';
  let reader: Reader;

  beforeAll(async () => {
    cluster = await sharedCluster();
    await cluster.applyIstioCrds();
  });
  afterAll(() => cluster?.close());
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'binnacle-credentials-'));
    namespace = await cluster.namespace();
  });
  afterEach(async () => {
    await reader?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  /** Starts the adapter with rights for these Secrets alone, besides those that it always needs. */
  const start = async (...secrets: readonly string[]) => {
    const to = { serviceAccount: 'reader', namespace };
    const token = await cluster.serviceAccountToken(namespace, 'reader');
    const read = (apiGroup: string, resources: readonly string[]) => ({
      apiGroups: [apiGroup],
      resources,
      verbs: ['list', 'watch'],
    });
    const kinds = ['services', 'pods', 'nodes', 'namespaces'];
    const rules = [read('', kinds), read('discovery.k8s.io', ['*']), read('networking.istio.io', ['*'])];
    await cluster.grant({ name: namespace, to, rules });
    const own = { ...read('', ['secrets']), resourceNames: secrets };
    await cluster.grant({ name: 'credentials', to, inNamespace: namespace, rules: [own] });
    reader = await startReader({
      settings: { kubeconfig: cluster.kubeconfig({ token }), namespaces: [namespace], checkCredentials: true },
      dir,
    });
    await reader.until(() => reader.states(), { kubernetes: 'synced' });
  };
  const secret = (name: string, ...keys: readonly string[]) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name },
    stringData: Object.fromEntries(keys.map((key) => [key, 'text'])),
  });
  const rule = (kind: string, spec: object) => ({
    apiVersion: 'networking.istio.io/v1',
    kind,
    metadata: { namespace, name: 'shop' },
    spec,
  });
  const tls = (credentialName: string) =>
    rule('DestinationRule', { host: 'shop.test', trafficPolicy: { tls: { mode: 'MUTUAL', credentialName } } });
  const problems = () =>
    Object.entries(reader.problems())
      .filter(([origin]) => /^(Secret|ConfigMap) /.test(origin))
      .map(([origin, message]) => `${origin} ${message}`);

  it('are told of while they are missing or incomplete, and picked up when they appear', async () => {
    await start('client');
    await cluster.apply(tls('client'));
    const by = `referred to by DestinationRule ${namespace}/shop`;
    await reader.until(problems, [`Secret ${namespace}/client does not exist; ${by}`]);
    await cluster.apply(secret('client', 'tls.crt'));
    await reader.until(problems, [`Secret ${namespace}/client lacks tls.key and tls.crt; ${by}`]);
    await cluster.apply(secret('client', 'tls.crt', 'tls.key'));
    await reader.until(problems, []);
    await cluster.remove(secret('client'));
    await reader.until(problems, [`Secret ${namespace}/client does not exist; ${by}`]);
    await cluster.remove(tls('client'));
    await reader.until(problems, []);
  });

  it('are read by their names alone: the rights to them suffice, and others cause nothing', async () => {
    await start('client');
    await cluster.apply(tls('client'), secret('client', 'tls.crt', 'tls.key'), secret('other', 'password'));
    await reader.until(() => reader.objects(), [`DestinationRule ${namespace}/shop`]);
    let changes = 0;
    reader.registry.onChange(() => changes++);
    reader.registry.onRawChange(() => changes++);
    await cluster.apply(secret('other', 'password', 'more'));
    await cluster.apply(tls('other')); // comes after what other Secrets would cause
    await reader.until(() => problems().length, 1);
    expect(problems()[0]).toMatch(/^Secret \S+\/other cannot be read: .*forbidden.*; referred to by DestinationRule/);
    expect(changes).toBe(1);
  });

  it('of a Gateway are those in the namespaces of its Pods', async () => {
    await start('public');
    const server = { port: { number: 443, name: 'https', protocol: 'HTTPS' }, hosts: ['*'] };
    await cluster.apply(
      rule('Gateway', {
        selector: { app: 'ingress' },
        servers: [{ ...server, tls: { mode: 'SIMPLE', credentialName: 'public' } }],
      }),
    );
    await reader.until(() => reader.objects(), [`Gateway ${namespace}/shop`]);
    expect(problems()).toEqual([]);
    await applyDeployment(cluster, {
      namespace,
      name: 'ingress',
      ports: [{ name: 'https', port: 443 }],
      pods: ['10.5.0.1'],
    });
    await reader.until(problems, [
      `Secret ${namespace}/public does not exist; referred to by Gateway ${namespace}/shop`,
    ]);
    await cluster.apply(secret('public', 'cert', 'key'));
    await reader.until(problems, []);
  });
});
