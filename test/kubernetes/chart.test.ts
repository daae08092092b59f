import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { configFileSchema } from '../../src/serve/config-schema.ts';
import { describeWith } from '../support/describe-with.ts';
import { eventually } from '../support/eventually.ts';
import { createKubectl, type Kubectl } from '../support/kubectl.ts';
import type { ClusterClient } from '../support/kubernetes/cluster-client.ts';
import type { KubernetesObject } from '../support/kubernetes/objects.ts';
import { sharedCluster } from '../support/kubernetes/shared-cluster.ts';
import { partProgram } from '../support/parts.ts';

const root = join(import.meta.dirname, '../..');
const deploy = join(root, 'deploy');
const chart = join(deploy, 'helm/binnacle');
const namespace = 'binnacle-system';

const helm = async (...args: readonly string[]) =>
  (await promisify(execFile)(await partProgram('helm'), args, { env: { ...process.env, HELM_NO_PLUGINS: '1' } }))
    .stdout;
const template = (...flags: readonly string[]) => helm('template', 'binnacle', chart, '-n', namespace, ...flags);

const objectsIn = (text: string): readonly KubernetesObject[] =>
  parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject); // a rendered chart
const ofKind = (text: string, kind: string) => objectsIn(text).find((object) => object.kind === kind);

/** Values that turn every part of the chart on. */
const everything = [
  '--set=replicas=3',
  '--set=http.accessSecret=binnacle-access',
  '--set=http.allowedHosts={rules.mesh.example}',
  '--set=xds.tls.secret=binnacle-tls',
  '--set=xds.tls.requireClientCert=true',
  '--set=webhook.secret=binnacle-webhook',
  '--set=webhook.failurePolicy=Fail',
  '--set=cluster.network=east',
  '--set=cluster.discoverySelectors[0].matchLabels.mesh=on',
  '--set=cluster.remoteSecretsNamespace=binnacle-system',
  '--set=serviceMonitor.enabled=true',
  '--set=serviceMonitor.tokenSecret.name=binnacle-token',
  '--set=serviceAccount.annotations.team=mesh',
  '--set=podAnnotations.team=mesh',
  '--set=image.pullSecrets[0].name=registry',
  '--set=priorityClassName=system-cluster-critical',
  '--set=nodeSelector.kubernetes\\.io/os=linux',
  '--set=tolerations[0].operator=Exists',
  '--set=config.logLevel=debug',
];

describeWith(['kubernetes', 'helm', 'kubectl'], 'the chart', () => {
  let cluster: ClusterClient;
  let kubectl: Kubectl;
  beforeAll(async () => {
    cluster = await sharedCluster();
    kubectl = await createKubectl({ kubeconfig: cluster.kubeconfig() });
    await cluster.apply(parse(await readFile(join(deploy, 'kubernetes/00-namespace.yaml'), 'utf8')));
  });
  afterAll(async () => {
    await kubectl?.delete();
    cluster?.close();
  });

  it('passes helm lint', async () => {
    expect(await helm('lint', '--strict', chart)).toContain('0 chart(s) failed');
  });

  it('has the version of the package', async () => {
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    expect(parse(await readFile(join(chart, 'Chart.yaml'), 'utf8'))).toMatchObject({ version, appVersion: version });
  });

  it('renders the plain manifests of deploy/kubernetes', async () => {
    await expect(await template()).toMatchFileSnapshot(join(deploy, 'kubernetes/binnacle.yaml'));
  });

  it('renders the manifests with a webhook, whose CA cert-manager injects', async () => {
    const annotation =
      '--set-string=webhook.annotations.cert-manager\\.io/inject-ca-from=binnacle-system/binnacle-webhook';
    const rendered = await template('--set=webhook.secret=binnacle-webhook', annotation);
    await expect(rendered).toMatchFileSnapshot(join(deploy, 'kubernetes/with-webhook/binnacle.yaml'));
  });

  it('brings the definition of MeshConfig', async () => {
    const text = await readFile(join(chart, 'crds/meshconfig.yaml'), 'utf8');
    expect(text).toBe(await readFile(join(deploy, 'kubernetes/01-meshconfig.yaml'), 'utf8'));
    expect(await kubectl.ok('apply --dry-run=server --validate=strict -f -', { stdin: text })).toContain('created');
  });

  it('lets the program write rules, their status and its Lease only if they are in the cluster', async () => {
    const verbs = async (...flags: readonly string[]) =>
      objectsIn(await template(...flags))
        .filter(({ kind }) => kind === 'ClusterRole' || kind === 'Role')
        .flatMap(({ rules }) => (rules as readonly { verbs: readonly string[] }[]).flatMap((rule) => rule.verbs)); // of RBAC
    expect([...new Set(await verbs())].sort()).toEqual(['create', 'delete', 'get', 'list', 'patch', 'update', 'watch']);
    expect([...new Set(await verbs('--set=config.store.type=memory'))].sort()).toEqual(['get', 'list', 'watch']);
  });

  for (const { with: values, flags } of [
    { with: 'its defaults', flags: [] },
    { with: 'everything on', flags: everything },
  ]) {
    it(`is accepted by the API server without a warning, with ${values}`, async () => {
      const known = objectsIn(await template(...flags)).filter(({ kind }) => kind !== 'ServiceMonitor');
      const stdin = known.map((object) => stringify(object)).join('---\n');
      const applied = await kubectl.ok('apply --dry-run=server --validate=strict -f -', { stdin });
      expect(applied.trim().split('\n')).toHaveLength(known.length);
    });

    it(`configures the program with keys that it has, with ${values}`, async () => {
      const { data } = ofKind(await template(...flags), 'ConfigMap') as { data?: Record<string, string> }; // of this kind
      expect(configFileSchema.safeParse(parse(data?.['binnacle.yaml'] ?? '')).error).toBeUndefined();
    });
  }

  it('merges further configuration into its own', async () => {
    const { data } = ofKind(await template('--set=config.xds.limits.maxStreams=7'), 'ConfigMap') as {
      data?: Record<string, string>; // of this kind
    };
    expect(parse(data?.['binnacle.yaml'] ?? '')).toMatchObject({
      xds: { plaintext: '0.0.0.0:15010', limits: { maxStreams: 7 } },
    });
  });

  it('grants the program access to the kinds that it reads, and nothing else', async () => {
    const rendered = objectsIn(await template());
    await cluster.apply(
      ...rendered.filter(({ kind }) => /^(ServiceAccount|(Cluster)?Role|(Cluster)?RoleBinding)$/.test(kind)),
    );
    const token = await cluster.serviceAccountToken(namespace, 'binnacle');
    const allowed = async (path: string) => {
      const { status } = await cluster.send(path, { token });
      return status === 200 || status === 404; // a kind of Istio's that is not defined
    };
    const may = [
      ...['/api/v1/services', '/api/v1/pods', '/api/v1/nodes', '/api/v1/namespaces'],
      '/apis/discovery.k8s.io/v1/endpointslices',
      ...['networking', 'security', 'telemetry', 'extensions'].map((group) => `/apis/${group}.istio.io/v1/anything`),
      '/api/v1/namespaces/istio-system/configmaps?fieldSelector=metadata.name%3Distio',
    ];
    const mayNot = [
      ...['/api/v1/secrets', '/api/v1/configmaps', '/api/v1/namespaces/istio-system/configmaps/other'],
      ...['/apis/apps/v1/deployments', '/apis/rbac.authorization.k8s.io/v1/clusterroles'],
    ];
    const firstRule = { apiGroups: [''], resources: ['services'], verbs: ['list'] };
    await cluster.whenAllowed({ serviceAccount: 'binnacle', namespace }, firstRule);
    const answers = await Promise.all([...may, ...mayNot].map(async (path) => [path, await allowed(path)]));
    expect(Object.fromEntries(answers)).toEqual({
      ...Object.fromEntries(may.map((path) => [path, true])),
      ...Object.fromEntries(mayNot.map((path) => [path, false])),
    });
  });

  it('grants access to Secrets only in the namespace of those for further clusters', async () => {
    const remote = await cluster.namespace();
    const rendered = objectsIn(await template(`--set=cluster.remoteSecretsNamespace=${remote}`));
    await cluster.apply(...rendered.filter(({ kind }) => /^(ServiceAccount|Role|RoleBinding)$/.test(kind)));
    const token = await cluster.serviceAccountToken(namespace, 'binnacle');
    const status = async (of: string) => (await cluster.send(`/api/v1/namespaces/${of}/secrets`, { token })).status;
    await eventually(async () => (await status(remote)) === 200, { what: 'Secrets may be listed' });
    expect(await status('default')).toBe(403);
  });

  it('grants token reviews only when sidecars authenticate', async () => {
    const groups = async (...flags: readonly string[]) =>
      JSON.stringify(ofKind(await template(...flags), 'ClusterRole')?.rules).includes('tokenreviews');
    expect([await groups(), await groups('--set=config.xds.auth=kubernetes')]).toEqual([false, true]);
  });

  for (const { flag, says } of [
    { flag: '--set=replicas=0', says: /replicas.*minimum/s },
    { flag: '--set=replica=3', says: /additional properties 'replica' not allowed/ },
    { flag: '--set=serviceMonitor.enabled=true', says: /needs http.accessSecret/ },
  ]) {
    it(`rejects ${flag} with the reason`, async () => {
      await expect(template(flag)).rejects.toThrow(says);
    });
  }
});
