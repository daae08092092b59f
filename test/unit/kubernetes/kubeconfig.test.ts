import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createCredentials } from '../../../src/kubernetes/credentials.ts';
import { type ClusterAccess, inClusterAccess, parseKubeconfig } from '../../../src/kubernetes/kubeconfig.ts';
import { fakeClock } from '../../support/fake-clock.ts';

const config = (user: string, cluster = '') => `
clusters: [{ name: c, cluster: { server: "https://k.example:6443/", ${cluster} } }]
users: [{ name: u, user: { ${user} } }]
contexts: [{ name: one, context: { cluster: c, user: u } }, { name: two, context: { cluster: missing } }]
current-context: one
`;

function accessOf(user: string, cluster = ''): ClusterAccess {
  const parsed = parseKubeconfig(config(user, cluster), { directory: '/etc/kube' });
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

describe('parseKubeconfig', () => {
  test('reads the current context, with paths relative to the file', () => {
    const access = accessOf('token: t, client-certificate: c.pem', 'certificate-authority: ca.pem');
    expect(access.server).toBe('https://k.example:6443');
    expect(access.token).toEqual({ type: 'data', data: 't' });
    expect(access.ca).toEqual({ type: 'file', path: '/etc/kube/ca.pem' });
    expect(access.clientCert).toEqual({ type: 'file', path: '/etc/kube/c.pem' });
  });

  for (const { name, text, context, directory = '/etc/kube', want } of [
    { name: 'no YAML', text: 'a: [', want: 'is not YAML' },
    { name: 'an unknown context', text: config('token: t'), context: 'three', want: "has no context 'three'" },
    { name: 'an unknown cluster', text: config('token: t'), context: 'two', want: "has no cluster 'missing'" },
    { name: 'a server that is no URL', text: config('').replace('https:', 'ftp:'), want: 'is not an https URL' },
    { name: 'a proxy', text: config('', 'proxy-url: "http://p"'), want: 'proxies are not supported' },
    { name: 'a removed provider', text: config('auth-provider: { name: gcp }'), want: 'use its exec plugin' },
    {
      name: 'a command in a Secret',
      text: config('exec: { apiVersion: v1, command: sh }'),
      directory: null,
      want: 'may not run commands',
    },
    { name: 'a file in a Secret', text: config('tokenFile: /etc/passwd'), directory: null, want: 'may not name files' },
  ]) {
    test(`rejects ${name}`, () => {
      const parsed = parseKubeconfig(text, { context, directory });
      expect(parsed.ok ? '' : parsed.error).toContain(want);
    });
  }

  test('finds the service account of a Pod, and nothing outside a cluster', () => {
    expect(inClusterAccess({})).toBeNull();
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
    expect(inClusterAccess(env)?.server).toBe('https://[fd00::1]:443');
  });
});

describe('createCredentials', () => {
  test('reads a rotated token, and keeps the last one while its file is away', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'binnacle-token-'));
    const path = join(directory, 'token');
    await writeFile(path, 'one\n');
    const clock = fakeClock();
    const parsed = parseKubeconfig(config(`tokenFile: ${path}`), { directory });
    if (!parsed.ok) throw new Error(parsed.error);
    let access = parsed.value;
    const source = createCredentials(async () => access, clock);
    const first = await source.current();
    expect(first.headers).toEqual({ authorization: 'Bearer one' });
    expect(await source.current()).toBe(first);
    await writeFile(path, 'two');
    clock.advance(10_000);
    expect((await source.current()).headers).toEqual({ authorization: 'Bearer two' });
    access = { ...access, token: { type: 'file', path: join(directory, 'away') } };
    clock.advance(10_000);
    expect((await source.current()).headers).toEqual({ authorization: 'Bearer two' });
    source.refused();
    await expect(source.current()).rejects.toThrow('ENOENT');
  });

  test('runs a command once, and again before its token expires', async () => {
    const clock = fakeClock(0);
    const script = 'echo "{\\"status\\":{\\"token\\":\\"$$\\",\\"expirationTimestamp\\":\\"1970-01-01T00:10:00Z\\"}}"';
    const access = accessOf(
      `exec: { apiVersion: client.authentication.k8s.io/v1, command: sh, args: [-c, '${script}'] }`,
    );
    const source = createCredentials(async () => access, clock);
    const token = async () => (await source.current()).headers.authorization;
    const first = await token();
    clock.advance(60_000);
    expect(await token()).toBe(first);
    clock.advance(490_000);
    expect(await token()).not.toBe(first);
  });

  test('passes the cluster to the command, and reports why it failed', async () => {
    const exec = (script: string) =>
      accessOf(
        `exec: { apiVersion: client.authentication.k8s.io/v1, command: sh, provideClusterInfo: true, args: [-c, '${script}'] }`,
      );
    const info = exec('echo "{\\"status\\":{\\"token\\":\\"$(echo $KUBERNETES_EXEC_INFO | tr -d \\\\\\"{})\\"}}"');
    const { headers } = await createCredentials(async () => info, fakeClock()).current();
    expect(headers.authorization).toContain('server:https://k.example:6443');
    const failing = createCredentials(async () => exec('echo no login >&2; exit 3'), fakeClock());
    await expect(failing.current()).rejects.toThrow('no login');
  });
});
