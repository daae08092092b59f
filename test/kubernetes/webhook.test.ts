import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type Authority, authority } from '../support/certificates.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { eventually } from '../support/eventually.ts';
import { jsonRequest } from '../support/json-request.ts';
import { createKubectl, type Kubectl } from '../support/kubectl.ts';
import { type Cluster, startCluster } from '../support/kubernetes/cluster.ts';
import { freePort } from '../support/ports.ts';

const virtualService = (name: string, spec: object) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name, namespace: 'default' },
  spec,
});
const good = { hosts: ['shop.test'], http: [{ route: [{ destination: { host: 'shop.test' } }] }] };
/** The definition of the kind allows it, as it does not know how long an interval may be. */
const bad = { hosts: ['shop.test'], http: [{ match: [{ uri: { regex: '(' } }], route: good.http[0]?.route }] };

describeWith(['kubernetes', 'istioCrds', 'kubectl'], 'the validating webhook of an API server', () => {
  let cluster: Cluster;
  let kubectl: Kubectl;
  let replica: ControlPlane;
  let dir: string;
  let port: number;
  let issuer: Authority;

  beforeAll(async () => {
    [cluster, dir, port] = await Promise.all([
      startCluster(),
      mkdtemp(join(tmpdir(), 'binnacle-webhook-')),
      freePort(),
    ]);
    issuer = authority('webhook CA');
    await writeCertificate();
    kubectl = await createKubectl({ kubeconfig: cluster.kubeconfig() });
    await cluster.applyIstioCrds();
    const webhook = { address: `127.0.0.1:${port}`, certFile: join(dir, 'tls.crt'), keyFile: join(dir, 'tls.key') };
    replica = await startControlPlane({ config: { webhook, adapters: [], store: { type: 'memory' } } });
  });
  afterAll(async () => {
    await replica?.stop();
    await cluster?.stop();
    await kubectl?.delete();
    await rm(dir, { recursive: true, force: true });
  });

  async function writeCertificate(): Promise<string> {
    const { cert, key } = issuer.issue({ commonName: 'webhook', ips: ['127.0.0.1'] });
    for (const [name, text] of [
      ['tls.key', key],
      ['tls.crt', cert],
    ] as const) {
      await writeFile(join(dir, `${name}.new`), text, { mode: 0o600 });
      await rename(join(dir, `${name}.new`), join(dir, name));
    }
    return cert;
  }

  const register = () =>
    cluster.apply({
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'binnacle' },
      webhooks: [
        {
          name: 'rules.mesh.binnacle.dev',
          clientConfig: {
            url: `https://127.0.0.1:${port}/validate`,
            caBundle: Buffer.from(issuer.cert).toString('base64'),
          },
          rules: [
            {
              apiGroups: ['networking.istio.io'],
              apiVersions: ['*'],
              resources: ['*'],
              operations: ['CREATE', 'UPDATE'],
            },
          ],
          failurePolicy: 'Fail',
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
        },
      ],
    });
  const apply = (object: object) => kubectl.run('apply -f -', { stdin: stringify(object) });

  it('has kubectl apply refuse a wrong rule in the words of the rules API, and accept a right one', async () => {
    await cluster.apply(virtualService('old', bad));
    const { body } = await jsonRequest(
      replica.httpPort,
      '/apis/networking.istio.io/v1/namespaces/default/virtualservices',
      {
        method: 'POST',
        body: virtualService('wrong', bad),
      },
    );
    const message = String(body.message);
    expect(message).toContain('spec.http[0].match[0].uri.regex');

    await register();
    const refused = await eventually(
      async () => {
        const ran = await apply(virtualService('wrong', bad));
        if (ran.code === 0) await cluster.remove(virtualService('wrong', bad)); // not registered everywhere yet
        return ran.code === 0 ? null : ran;
      },
      { what: 'the webhook is asked' },
    );
    expect(refused.stderr).toContain(message);
    expect(await cluster.get(virtualService('wrong', bad))).toBeNull();
    expect(await apply(virtualService('right', good))).toMatchObject({ code: 0 });
  });

  it('warns of what is accepted without effect', async () => {
    const idle = { ...good, http: [{ route: [{ destination: { host: 'x.y.svc.cluster.local', subset: 'v9' } }] }] };
    const ran = await apply(virtualService('idle', idle));
    expect(ran.code).toBe(0);
    expect(ran.stderr).toMatch(/Warning: .*x\.y\.svc\.cluster\.local/);
  });

  it('lets an object that is invalid already be relabelled and deleted', async () => {
    const old = virtualService('old', bad);
    await cluster.patch(old, { metadata: { labels: { a: 'b' }, finalizers: ['example.com/kept'] } });
    await cluster.remove(old);
    await cluster.patch(old, { metadata: { finalizers: null } });
    expect(await cluster.get(old)).toBeNull();
  });

  it('uses a renewed certificate without a restart', async () => {
    const renewed = await writeCertificate();
    const served = () =>
      new Promise<string>((resolve, reject) => {
        const socket = connect({ host: '127.0.0.1', port, ca: issuer.cert }, () => {
          resolve(socket.getPeerCertificate().raw.toString('base64'));
          socket.destroy();
        });
        socket.on('error', reject);
      });
    const body = renewed.replaceAll(/-----.*?-----|\s/g, '');
    await eventually(async () => (await served()) === body, { what: 'the renewed certificate is served' });
    expect(await apply(virtualService('after', good))).toMatchObject({ code: 0 });
  });
});
