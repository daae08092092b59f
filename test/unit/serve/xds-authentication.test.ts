import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { createXdsAuthentication } from '../../../src/serve/xds-authentication.ts';
import { startStub } from '../../support/http-stub.ts';

const audiences = ['binnacle'];
const user = {
  username: 'system:serviceaccount:shop:reviews',
  extra: {
    'authentication.kubernetes.io/pod-name': ['reviews-1'],
    'authentication.kubernetes.io/pod-uid': ['u-1'],
  },
};

/** An API server that knows the token `good`, and whoever may review by `mine`. */
async function start(answer: (token: string) => { readonly code: number; readonly body: object }) {
  const requests: object[] = [];
  const server = await startStub(async (request, response) => {
    const body = JSON.parse(await text(request));
    requests.push({ method: request.method, url: request.url, authorization: request.headers.authorization, body });
    const { code, body: answered } = answer(body.spec.token);
    response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(answered));
  });
  const folder = await mkdtemp(join(tmpdir(), 'binnacle-auth-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const kubeconfig = join(folder, 'kubeconfig');
  const content = {
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server } }],
    users: [{ name: 'u', user: { token: 'mine' } }],
  };
  await writeFile(kubeconfig, JSON.stringify(content), { mode: 0o600 });
  const reviewed: string[] = [];
  const authentication = await createXdsAuthentication(configOf(kubeconfig), {
    clock: systemClock,
    observer: { authenticated: () => {}, reviewed: (verdict) => reviewed.push(verdict) },
    closing: closing(),
  });
  const ask = (token: string) =>
    authentication.authenticate({ metadata: { authorization: `Bearer ${token}` }, identity: null });
  return { ask, requests, reviewed };
}

const configOf = (kubeconfig: string | null) => ({
  kubeconfig,
  context: null,
  audiences,
  allowTokensWithoutPod: false,
});

function closing(): AsyncDisposableStack {
  const stack = new AsyncDisposableStack();
  onTestFinished(() => stack.disposeAsync());
  return stack;
}

const status = (given: object) => ({ code: 201, body: { kind: 'TokenReview', status: given } });

it('reviews a token with the API server of the kubeconfig, once while the result is cached', async () => {
  const { ask, requests } = await start(() => status({ authenticated: true, audiences, user }));
  const admitted = {
    type: 'admitted',
    workload: { namespace: 'shop', serviceAccount: 'reviews', pod: { name: 'reviews-1', uid: 'u-1' } },
  };
  expect(await ask('good')).toEqual(admitted);
  expect(await ask('good')).toEqual(admitted);
  expect(requests).toEqual([
    {
      method: 'POST',
      url: '/apis/authentication.k8s.io/v1/tokenreviews',
      authorization: 'Bearer mine',
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: 'good', audiences } },
    },
  ]);
});

it('reports that it lacks the permission for token reviews', async () => {
  const message = 'tokenreviews.authentication.k8s.io is forbidden';
  const { ask, reviewed } = await start(() => ({ code: 403, body: { kind: 'Status', message, code: 403 } }));
  expect(await ask('good')).toEqual({
    type: 'refused',
    reason: 'unavailable',
    message: `the token cannot be checked now (${message}): try again`,
  });
  expect(reviewed).toEqual(['unavailable']);
});

for (const { name, path, why } of [
  { name: 'a kubeconfig that is not there', path: '/nowhere/kubeconfig', why: /\/nowhere\/kubeconfig cannot be read/ },
  { name: 'no kubeconfig outside of a cluster', path: null, why: /name the cluster that reviews tokens/ },
]) {
  it(`does not start with ${name}`, async () => {
    const options = {
      clock: systemClock,
      observer: { authenticated: () => {}, reviewed: () => {} },
      closing: closing(),
    };
    await expect(createXdsAuthentication(configOf(path), options)).rejects.toThrow(why);
  });
}
