import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Authority, authority, type Identity } from '../support/certificates.ts';
import { tailOf } from '../support/child.ts';
import { cli } from '../support/cli.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { describeWith } from '../support/describe-with.ts';
import { eventually } from '../support/eventually.ts';
import { createKubectl } from '../support/kubectl.ts';

/** The real program over TLS, with tokens and certificates of several people. */

const tokens = {
  ann: 'token-of-ann-the-admin',
  ci: 'token-of-the-ci-of-shop',
  vms: 'token-of-the-machines',
  eye: 'token-of-the-prometheus',
};

const accessFile = ({ withCi = true } = {}) => `
identities:
  - { name: ann, tokens: ["sha256:${createHash('sha256').update(tokens.ann).digest('hex')}"], roles: { admin: true } }
${withCi ? `  - { name: ci, tokens: [${tokens.ci}], roles: { writeRules: [shop] } }` : ''}
  - { name: vms, tokens: [${tokens.vms}], certificates: ["spiffe://mesh/ns/vms/sa/*"], roles: { register: [shop] } }
  - { name: eye, tokens: [${tokens.eye}], certificates: [CN=eye], roles: { read: true } }
`;

const rule = (name: string, namespace: string, status = 200) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name, namespace },
  spec: { hosts: [`${name}.test`], http: [{ directResponse: { status } }] },
});
const rulesOf = (namespace: string) => `/apis/networking.istio.io/v1/namespaces/${namespace}/virtualservices`;
const instance = { address: '10.0.0.1', ports: [{ name: 'http', port: 80, protocol: 'http' }] };
const instanceAt = (namespace: string) => `/registry/v1/namespaces/${namespace}/services/orders.test/instances/1`;

let folder: string;
let ca: Authority;
let plane: ControlPlane;
const inFolder = (name: string) => join(folder, name);

async function put(name: string, text: string): Promise<string> {
  await writeFile(inFolder(`${name}.new`), text, { mode: 0o600 });
  await rename(inFolder(`${name}.new`), inFolder(name));
  return inFolder(name);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'binnacle-access-'));
  ca = authority();
  const server = ca.issue({ commonName: 'binnacle', dnsNames: ['localhost'], ips: ['127.0.0.1'] });
  const tls = {
    certFile: await put('server.pem', server.cert),
    keyFile: await put('server.key', server.key),
    clientCaFile: await put('ca.pem', ca.cert),
  };
  plane = await startControlPlane({
    config: { http: { tls, accessFile: await put('access.yaml', accessFile()) } },
    tlsCa: ca.cert,
  });
});
afterAll(async () => {
  await plane?.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Asked {
  readonly token?: string;
  readonly as?: Identity;
  readonly body?: object;
  readonly agent?: Agent;
}

/** Sends one HTTPS request; `trailing` has options of curl. */
function ask(
  method: string,
  path: string,
  { token, as, body, agent }: Asked = {},
): Promise<{ status: number; body: string; headers: object }> {
  const headers = {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(body === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': JSON.stringify(body).length }),
  };
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', port: plane.httpPort, method, path, headers, ca: ca.cert, agent: agent ?? false, ...as },
      (incoming) => {
        let text = '';
        incoming.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        incoming.on('error', reject);
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body: text, headers: incoming.headers }));
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const statusOf = async (method: string, path: string, asked: Asked = {}) => (await ask(method, path, asked)).status;

describe('the HTTP server with an access file', () => {
  it('answers only health checks without authentication', async () => {
    expect(await statusOf('GET', '/healthz')).toBe(200);
    expect(await statusOf('GET', '/readyz')).toBe(200);
    for (const path of ['/', '/metrics', '/debug', '/debug/config_dump', '/rules/v1/export', '/rules/v1/audit', '/x']) {
      expect({ path, status: await statusOf('GET', path) }).toEqual({ path, status: 401 });
      expect({ path, status: await statusOf('GET', path, { token: tokens.vms }) }).toEqual({ path, status: 403 });
      const known = path === '/x' ? 404 : 200;
      if (path !== '/debug/config_dump') {
        expect({ path, status: await statusOf('GET', path, { token: tokens.eye }) }).toEqual({ path, status: known });
      }
    }
    for (const path of ['/v3/discovery:clusters', '/rules/v1/batch', '/registry/v1/batch', rulesOf('shop')]) {
      expect({ path, status: await statusOf('POST', path, { body: {} }) }).toEqual({ path, status: 401 });
    }
  });

  it('reports in Kubernetes’ format why a rule was rejected', async () => {
    const unknown = await ask('POST', rulesOf('shop'), { body: rule('a', 'shop') });
    expect(unknown.headers).toMatchObject({ 'www-authenticate': 'Bearer realm="binnacle"' });
    expect(JSON.parse(unknown.body)).toMatchObject({ kind: 'Status', reason: 'Unauthorized', code: 401 });
    const forbidden = await ask('POST', rulesOf('books'), { body: rule('a', 'books'), token: tokens.ci });
    expect(JSON.parse(forbidden.body)).toMatchObject({
      kind: 'Status',
      reason: 'Forbidden',
      message: '"ci" may not write rules in the namespace "books": the access file does not give it that role',
    });
  });

  it('permits writing rules only in the namespaces of a role, in every way', async () => {
    const { ci: token } = tokens;
    const write = (method: string, path: string, body: object) => statusOf(method, path, { token, body });
    expect(await write('POST', rulesOf('shop'), rule('a', 'shop'))).toBe(201);
    expect(await write('PUT', `${rulesOf('shop')}/a`, rule('a', 'shop', 201))).toBe(200);
    expect(await write('POST', `${rulesOf('shop')}/a/rollback`, {})).toBe(200);
    expect(await write('POST', '/rules/v1/batch', { kind: 'List', items: [rule('b', 'shop')] })).toBe(200);
    expect(await write('POST', rulesOf('shop'), rule('c', 'books'))).toBe(400);
    expect(
      await write('POST', '/rules/v1/batch', { kind: 'List', items: [rule('b', 'shop', 201), rule('b', 'books')] }),
    ).toBe(403);
    expect(await write('POST', '/rules/v1/batch?action=delete', { kind: 'List', items: [rule('x', 'books')] })).toBe(
      403,
    );
    expect(await write('POST', '/rules/v1/import', { kind: 'List', items: [rule('b', 'shop')] })).toBe(403);
    expect(await write('DELETE', rulesOf('books'), {})).toBe(403);
    expect(
      await write('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }),
    ).toBe(403);
    expect(await write('PUT', instanceAt('shop'), instance)).toBe(403);
    const b = JSON.parse((await ask('GET', `${rulesOf('shop')}/b`, { token })).body);
    expect(b.spec.http[0].directResponse.status).toBe(200);
  });

  it('permits registering services only in the namespaces of a role, with a token or a certificate', async () => {
    const as = ca.issue({ uris: ['spiffe://mesh/ns/vms/sa/agent-7'] });
    expect(await statusOf('PUT', instanceAt('shop'), { as, body: instance })).toBe(201);
    expect(await statusOf('GET', instanceAt('shop'), { token: tokens.vms })).toBe(200);
    const refused = await ask('PUT', instanceAt('books'), { token: tokens.vms, body: instance });
    expect(refused).toMatchObject({ status: 403 });
    expect(JSON.parse(refused.body)).toEqual({
      error: expect.stringContaining('"vms" may not register services'),
      problems: [],
    });
    const batch = (namespace: string) => ({ put: [{ ...instance, namespace, host: 'orders.test', id: '2' }] });
    expect(await statusOf('POST', '/registry/v1/batch', { token: tokens.vms, body: batch('shop') })).toBe(200);
    expect(await statusOf('POST', '/registry/v1/batch', { token: tokens.vms, body: batch('books') })).toBe(403);
    expect(
      await statusOf('PUT', instanceAt('shop'), {
        as: authority().issue({ uris: ['spiffe://mesh/ns/vms/sa/a'] }),
        body: instance,
      }),
    ).toBe(401);
  });

  it('records the authenticated identity, whatever name the client claims', async () => {
    await ask('POST', rulesOf('shop'), { token: tokens.ci, body: rule('audited', 'shop') });
    await ask('POST', rulesOf('books'), { token: tokens.ci, body: rule('audited', 'books') });
    await ask('POST', rulesOf('shop'), { body: rule('unknown', 'shop') });
    const as = ca.issue({ uris: ['spiffe://mesh/ns/vms/sa/agent-7'] });
    await ask('PUT', instanceAt('shop').replace('orders', 'audited'), { as, body: instance });
    const { items } = JSON.parse(
      (await ask('GET', '/rules/v1/audit?limit=100', { as: ca.issue({ commonName: 'eye' }) })).body,
    );
    const said = (items as { author: string; verb: string; namespace: string; name: string; code: number }[])
      .filter(({ name }) => /audited|unknown/.test(name))
      .map(({ author, verb, namespace, name, code }) => [author, verb, namespace, name, code].join(' '));
    expect(said).toEqual([
      'spiffe://mesh/ns/vms/sa/agent-7 register shop audited.test/1 200',
      'ci create shop audited 201',
    ]);
    const history = JSON.parse((await ask('GET', `${rulesOf('shop')}/audited/history`, { token: tokens.eye })).body);
    expect(history.items).toMatchObject([{ author: 'ci' }]);
  });

  it('withstands a flood of wrong tokens and logs no part of a token', async () => {
    const flood = Array.from({ length: 2_000 }, (_, at) => `wrong-token-number-${at}`.padEnd(at % 9_000, 'x'));
    const agent = new Agent({ keepAlive: true, maxSockets: 10 });
    onTestFinished(() => agent.destroy());
    const counts = new Map<number, number>();
    for (let at = 0; at < flood.length; at += 50) {
      const answers = await Promise.all(
        flood.slice(at, at + 50).map((token) => statusOf('GET', '/debug/configz', { token, agent })),
      );
      for (const status of answers) counts.set(status, (counts.get(status) ?? 0) + 1);
    }
    expect([...counts]).toEqual([[401, 2_000]]);
    const log = plane.child.stderr();
    expect(log.split('\n').filter((line) => line.includes('requests refused')).length).toBeLessThan(60);
    const kept = [log];
    for (const path of [
      '/debug/configz',
      '/debug/problemz',
      '/debug/adapterz',
      '/rules/v1/audit',
      '/rules/v1/export',
      '/metrics',
    ]) {
      kept.push((await ask('GET', path, { token: tokens.ann })).body);
    }
    const files = await readdir(plane.dataDir, { recursive: true, withFileTypes: true });
    for (const file of files.filter((one) => one.isFile()))
      kept.push(await readFile(join(file.parentPath, file.name), 'latin1'));
    for (const secret of [...Object.values(tokens), 'wrong-token-number'])
      expect(kept.join('').includes(secret)).toBe(false);
  });

  it('requests renewed certificates, follows the access file, and disconnects callers that lost a role', async () => {
    const server = ca.issue({ commonName: 'renewed', dnsNames: ['localhost'], ips: ['127.0.0.1'] });
    await Promise.all([put('server.pem', server.cert), put('server.key', server.key)]);
    await eventually(async () => (await subject()) === 'renewed', { what: 'the new certificate' });

    const watch = request({
      ...{ host: '127.0.0.1', port: plane.httpPort, path: `${rulesOf('shop')}?watch=true`, ca: ca.cert, agent: false },
      headers: { authorization: `Bearer ${tokens.ci}` },
    });
    const ended = new Promise<string>((resolve) => {
      watch.on('error', () => resolve('reset'));
      watch.on('response', (incoming) => {
        incoming.on('error', () => resolve('cut off'));
        incoming.on('end', () => resolve('ended'));
        incoming.resume();
      });
    });
    watch.end();
    await put('access.yaml', 'identities: [');
    await eventually(async () => tailOf(plane.child).includes('the access file was not usable'), {
      what: 'a word about the file',
    });
    expect(await statusOf('GET', rulesOf('shop'), { token: tokens.ci })).toBe(200);
    const { body } = await ask('GET', '/metrics', { token: tokens.eye });
    expect(body).toContain('binnacle_access_file_good 0');
    await put('access.yaml', accessFile({ withCi: false }));
    expect(await ended).toBe('cut off');
    expect(await statusOf('GET', rulesOf('shop'), { token: tokens.ci })).toBe(401);
    await put('access.yaml', accessFile());
    await eventually(async () => (await statusOf('GET', rulesOf('shop'), { token: tokens.ci })) === 200, {
      what: 'ci again',
    });

    function subject(): Promise<string | undefined> {
      return new Promise((resolve, reject) => {
        const probe = request({ host: '127.0.0.1', port: plane.httpPort, path: '/healthz', ca: ca.cert, agent: false });
        probe.on('error', reject);
        probe.on('response', (incoming) => {
          const { socket } = incoming as unknown as { socket: import('node:tls').TLSSocket };
          resolve(String(socket.getPeerCertificate().subject.CN));
          incoming.resume();
        });
        probe.end();
      });
    }
  });
});

describe('the command line', () => {
  const env = (more: Record<string, string> = {}) => ({
    ...{ BINNACLE_SERVER: `https://127.0.0.1:${plane.httpPort}`, BINNACLE_CA_FILE: inFolder('ca.pem') },
    ...more,
  });

  it('sends a token, or a certificate, from a flag, the environment or a context', async () => {
    const run = (line: string, more: Record<string, string> = {}, input = '') =>
      cli(line.split(' '), { env: env(more), input });
    expect(await run('get vs -A')).toMatchObject({ code: 4, errors: [expect.stringContaining('--token-file')] });
    expect(await run(`get vs -A --token ${tokens.eye}`)).toMatchObject({ code: 0, errors: [] });
    const document = JSON.stringify(rule('cli', 'shop'));
    expect(await run('apply -f -', { BINNACLE_TOKEN: tokens.ci }, document)).toMatchObject({ code: 0, errors: [] });
    const refused = await run('apply -f -', { BINNACLE_TOKEN: tokens.eye }, document);
    expect(refused).toMatchObject({ code: 4, errors: [expect.stringContaining('"eye" may not write rules')] });

    const eye = ca.issue({ commonName: 'eye' });
    await put('eye.pem', eye.cert);
    await put('eye.key', eye.key);
    await put('ci.token', `${tokens.ci}\n`);
    const contexts = { BINNACLE_CONTEXTS: inFolder('contexts.yaml'), BINNACLE_SERVER: '', BINNACLE_CA_FILE: '' };
    const server = `--server https://localhost:${plane.httpPort} --ca-file ${inFolder('ca.pem')}`;
    await run(
      `context set eye ${server} --cert-file ${inFolder('eye.pem')} --key-file ${inFolder('eye.key')}`,
      contexts,
    );
    await run(`context set ci ${server} --token-file ${inFolder('ci.token')}`, contexts);
    expect(await run('get vs -n shop', contexts)).toMatchObject({ code: 0, errors: [] });
    expect(await run('delete vs cli -n shop', contexts)).toMatchObject({ code: 4 });
    expect(await run('delete vs cli -n shop --context ci', contexts)).toMatchObject({ code: 0, errors: [] });
    expect((await run('context show --context ci', contexts)).out).toMatch(/sends +a token/);
    expect(
      await run('get vs -A --token abc', { ...contexts, BINNACLE_SERVER: `https://127.0.0.1:${plane.httpPort}` }),
    ).toMatchObject({
      ...{ code: 3, errors: [expect.stringContaining('--ca-file')] },
    });
  });
});

describeWith(['kubectl'], 'a stock kubectl with a token or a kubeconfig', () => {
  it('shows which permission is missing, and does what its identity may do', async () => {
    const server = `https://127.0.0.1:${plane.httpPort}`;
    const kubectl = await createKubectl(server);
    onTestFinished(() => kubectl.delete());
    const flags = `--certificate-authority ${inFolder('ca.pem')}`;
    const stdin = JSON.stringify(rule('kubectl', 'shop'));
    expect(await kubectl.fails(`get vs -n shop ${flags} --token ${tokens.vms}`)).toContain('"vms" may not read');
    expect(await kubectl.fails(`get vs -n shop ${flags} --token wrong`)).toMatch(/Unauthorized|must be logged in/);
    expect(await kubectl.ok(`apply -f - ${flags} --token ${tokens.ci}`, { stdin })).toBe(
      'virtualservice.networking.istio.io/kubectl created\n',
    );
    expect(
      await kubectl.fails(`apply -f - ${flags} --token ${tokens.eye}`, { stdin: stdin.replace('200', '201') }),
    ).toContain('Forbidden');

    const eye = ca.issue({ commonName: 'eye' });
    await kubectl.file(
      'kubeconfig',
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name: 'b', cluster: { server, 'certificate-authority': inFolder('ca.pem') } }],
        users: [
          { name: 'ci', user: { token: tokens.ci } },
          {
            name: 'eye',
            user: {
              'client-certificate-data': Buffer.from(eye.cert).toString('base64'),
              'client-key-data': Buffer.from(eye.key).toString('base64'),
            },
          },
        ],
        contexts: [
          { name: 'ci', context: { cluster: 'b', user: 'ci', namespace: 'shop' } },
          { name: 'eye', context: { cluster: 'b', user: 'eye', namespace: 'shop' } },
        ],
        'current-context': 'eye',
      }),
    );
    expect(await kubectl.ok('get vs kubectl -o name')).toBe('virtualservice.networking.istio.io/kubectl\n');
    expect(await kubectl.fails('delete vs kubectl')).toContain('"eye" may not write rules in the namespace "shop"');
    expect(await kubectl.ok('delete vs kubectl --context ci')).toContain('deleted');
  });
});
