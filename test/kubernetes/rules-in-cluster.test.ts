import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { eventually } from '../support/eventually.ts';
import { jsonRequest } from '../support/json-request.ts';
import { createKubectl, type Kubectl } from '../support/kubectl.ts';
import { type Cluster, startCluster } from '../support/kubernetes/cluster.ts';

const meshConfigDefinition = join(import.meta.dirname, '../../deploy/kubernetes/01-meshconfig.yaml');
const place = '/apis/networking.istio.io/v1/namespaces/default/virtualservices';

const virtualService = (name: string, timeout = '2s') => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name, namespace: 'default' },
  spec: { hosts: [`${name}.test`], http: [{ timeout, route: [{ destination: { host: `${name}.test` } }] }] },
});

describeWith(['kubernetes', 'istioCrds', 'kubectl'], 'two replicas whose rules are objects of one cluster', () => {
  let cluster: Cluster;
  let kubectl: Kubectl;
  let one: ControlPlane;
  let two: ControlPlane;

  beforeAll(async () => {
    cluster = await startCluster();
    kubectl = await createKubectl({ kubeconfig: cluster.kubeconfig() });
    await cluster.applyIstioCrds();
    await cluster.apply(parse(await readFile(meshConfigDefinition, 'utf8')));
    [one, two] = await Promise.all([startReplica(), startReplica()]);
  });
  afterAll(async () => {
    await Promise.all([one?.stop(), two?.stop()]);
    await cluster?.stop();
    await kubectl?.delete();
  });

  const startReplica = (dataDir?: string) => {
    const kubeconfig = cluster.access.kubeconfigPath;
    const config = {
      store: { type: 'kubernetes', kubeconfig, syncTimeoutSeconds: 2 },
      adapters: [{ type: 'kubernetes', kubeconfig, syncTimeoutSeconds: 2 }],
    };
    return startControlPlane({ config, ...(dataDir === undefined ? {} : { dataDir }) });
  };
  const ask = (replica: ControlPlane, path: string, request = {}) => jsonRequest(replica.httpPort, path, request);
  const post = (replica: ControlPlane, object: object) => ask(replica, place, { method: 'POST', body: object });
  const read = async (replica: ControlPlane, name: string) => {
    const { code, body } = await ask(replica, `${place}/${name}`);
    return code === 200 ? body : null;
  };

  it("shows kubectl's rules in the API, and the API's in kubectl, in one version", async () => {
    await kubectl.ok('apply -f -', { stdin: stringify(virtualService('of-kubectl')) });
    const shown = await eventually(() => read(one, 'of-kubectl'), { what: 'the rule is in the API' });
    const own = await cluster.get(virtualService('of-kubectl'));
    expect(shown.metadata).toMatchObject({ resourceVersion: own?.metadata.resourceVersion, uid: own?.metadata.uid });
    expect(shown.spec).toEqual(own?.spec);

    expect(await post(one, virtualService('of-api'))).toMatchObject({ code: 201 });
    expect(await kubectl.ok('get vs of-api -o jsonpath={.spec.http[0].timeout}')).toBe('2s');
  });

  it('is a rule once: the adapter of the same cluster adds none, and a deletion over the API is final', async () => {
    await kubectl.ok('apply -f -', { stdin: stringify(virtualService('once')) });
    const shown = await eventually(() => read(one, 'once'), { what: 'the rule is in the API' });
    expect(JSON.stringify(shown)).not.toContain('binnacle.io/defined-in');
    expect(await ask(one, `${place}/once`, { method: 'DELETE' })).toMatchObject({ code: 200 });
    expect(await read(one, 'once')).toBeNull();
    expect(await cluster.get(virtualService('once'))).toBeNull();
  });

  it('shows writes of one replica at the other, and refuses a change of a version that is gone', async () => {
    const { body: first } = await post(one, virtualService('shared'));
    const seen = await eventually(() => read(two, 'shared'), { what: 'the other replica has it' });
    expect(seen.metadata).toEqual(first.metadata);
    const changed = { ...seen, spec: virtualService('shared', '5s').spec };
    expect(await ask(two, `${place}/shared`, { method: 'PUT', body: changed })).toMatchObject({ code: 200 });
    const late = { ...first, spec: virtualService('shared', '9s').spec };
    const conflict = await ask(one, `${place}/shared`, { method: 'PUT', body: late });
    expect(conflict).toMatchObject({ code: 409, body: { reason: 'Conflict' } });
    expect(await cluster.get(virtualService('shared'))).toMatchObject({ spec: { http: [{ timeout: '5s' }] } });
  });

  it('keeps owners and finalizers of an object that the API changes', async () => {
    const metadata = { name: 'owned', namespace: 'default', finalizers: ['example.com/kept'] };
    await cluster.apply({ ...virtualService('owned'), metadata });
    await eventually(() => read(one, 'owned'), { what: 'the rule is in the API' });
    const body = virtualService('owned', '7s');
    expect(await ask(one, `${place}/owned`, { method: 'PUT', body })).toMatchObject({ code: 200 });
    const object = await cluster.get(virtualService('owned'));
    expect(object).toMatchObject({
      metadata: { finalizers: metadata.finalizers },
      spec: { http: [{ timeout: '7s' }] },
    });
    await cluster.patch(virtualService('owned'), { metadata: { finalizers: null } });
  });

  it('refuses several objects at once and says how to write them, one after another', async () => {
    const items = [virtualService('batch-a'), virtualService('batch-b'), virtualService('batch-a', '3s')].slice(0, 2);
    const body = { kind: 'List', apiVersion: 'v1', items };
    const refused = await ask(one, '/rules/v1/batch', { method: 'POST', body });
    expect(refused).toMatchObject({ code: 405, body: { message: expect.stringContaining('atomic=false') } });
    expect(await cluster.get(virtualService('batch-a'))).toBeNull();

    const done = await ask(one, '/rules/v1/batch?atomic=false', { method: 'POST', body });
    expect(done).toMatchObject({ code: 200, body: { items: [{ action: 'created' }, { action: 'created' }] } });
    expect(await cluster.get(virtualService('batch-b'))).not.toBeNull();

    const more = { ...body, items: [virtualService('batch-c'), virtualService('batch-a')] };
    const partly = await ask(one, '/rules/v1/batch?atomic=false&action=create', { method: 'POST', body: more });
    expect(partly).toMatchObject({
      code: 409,
      body: { message: expect.stringMatching(/^only the first 1 of the batch/) },
    });
    expect(await cluster.get(virtualService('batch-c'))).not.toBeNull();
  });

  it('refuses history and rollback, which a cluster does not have', async () => {
    await post(one, virtualService('without-past'));
    for (const [end, method] of [
      ['history', 'GET'],
      ['rollback', 'POST'],
    ]) {
      const answer = await ask(one, `${place}/without-past/${end}`, { method });
      expect(answer).toMatchObject({ code: 405, body: { message: expect.stringContaining('keeps no versions') } });
    }
  });

  it('reads namespaces of the cluster, and leaves them to it', async () => {
    const namespace = await cluster.namespace('shop');
    await eventually(async () => (await ask(one, `/api/v1/namespaces/${namespace}`)).code === 200, {
      what: 'the namespace is in the API',
    });
    const refused = await ask(one, `/api/v1/namespaces/${namespace}`, { method: 'DELETE' });
    expect(refused).toMatchObject({ code: 403, body: { message: expect.stringContaining('belong to the cluster') } });
  });

  it('passes on why the API server does not accept an object', async () => {
    const away = { ...virtualService('away'), metadata: { name: 'away', namespace: 'nowhere' } };
    const path = '/apis/networking.istio.io/v1/namespaces/nowhere/virtualservices';
    const refused = await ask(one, path, { method: 'POST', body: away });
    expect(refused).toMatchObject({ code: 404, body: { message: expect.stringContaining('"nowhere" not found') } });
  });

  it('keeps the mesh configuration in the cluster', async () => {
    const mesh = {
      apiVersion: 'mesh.binnacle.dev/v1',
      kind: 'MeshConfig',
      metadata: { name: 'default' },
      spec: { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } },
    };
    const made = await ask(one, '/apis/mesh.binnacle.dev/v1/meshconfigs', { method: 'POST', body: mesh });
    expect(made).toMatchObject({ code: 201 });
    expect(await cluster.get(mesh)).toMatchObject({ spec: mesh.spec });
    await cluster.remove(mesh);
  });

  it('serves the last good rules without the API server, refuses writes, and goes on when it is back', async () => {
    await post(one, virtualService('kept'));
    await eventually(() => read(two, 'kept'), { what: 'the other replica has it' });
    await cluster.apiServer.kill();
    const refused = await post(one, virtualService('lost'));
    expect(refused).toMatchObject({
      code: 503,
      body: { message: expect.stringMatching(/the API server behind the rules store .*: nothing was written/) },
    });
    for (const replica of [one, two]) expect(await read(replica, 'kept')).toMatchObject({ kind: 'VirtualService' });
    await eventually(async () => JSON.stringify((await ask(one, '/readyz')).body).includes('rules store'), {
      what: 'the store is degraded',
    });

    const { dataDir } = two;
    const saved = async () => (await readFile(join(dataDir, 'rules.snapshot.json'), 'utf8')).includes('"name":"kept"');
    await eventually(saved, { what: 'the rule is saved' });
    await two.kill();
    two = await startReplica(dataDir);
    expect(await read(two, 'kept')).toMatchObject({ kind: 'VirtualService' });

    await cluster.apiServer.start();
    await eventually(async () => (await post(one, virtualService('back'))).code === 201, {
      what: 'a write is accepted',
    });
    await eventually(() => read(two, 'back'), { what: 'the other replica has it' });
    await cluster.remove(virtualService('kept'));
    await eventually(async () => (await read(two, 'kept')) === null, { what: 'what was removed is gone' });
  });
});
