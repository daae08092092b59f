import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../support/describe-with.ts';
import { eventually } from '../support/eventually.ts';
import { type NacosProvider, startProvider } from '../support/nacos/client.ts';
import { type NacosMesh, startNacosMesh } from '../support/nacos/mesh.ts';
import { type NacosServer, nacosStartMs, startNacos } from '../support/nacos/server.ts';

const meshes: NacosMesh[] = [];
const providers: NacosProvider[] = [];

async function mesh(settings: object): Promise<NacosMesh> {
  const started = startNacosMesh({ settleSeconds: 0.5, ...settings });
  meshes.push(started);
  await state(started, 'synced');
  return started;
}

const state = (of: NacosMesh, want: string) =>
  eventually(() => of.state().startsWith(want), { what: `the adapter is ${want}`, timeoutMs: 100_000 });

const has = (of: NacosMesh, ...want: readonly string[]) =>
  eventually(() => String(of.services()) === String(want), { what: `services ${want}`, timeoutMs: 100_000 });

async function provider(server: NacosServer, options: { namespace?: string; token?: string } = {}) {
  const started = await startProvider({ port: server.port, ...options });
  providers.push(started);
  return started;
}

afterEach(async () => {
  for (const one of meshes.splice(0)) await one.close();
  for (const one of providers.splice(0)) one.close();
});

describeWith(['nacos3'], 'services of a Nacos 3', () => {
  let server: NacosServer;
  beforeAll(async () => {
    server = await startNacos();
  }, nacosStartMs);
  afterAll(() => server?.close());

  test('of all groups and of chosen namespaces are read, ephemeral and persistent ones', async () => {
    const [own, other] = [await provider(server, { namespace: 'all' }), await provider(server, { namespace: 'else' })];
    await own.register('orders', { ip: '10.0.0.1' });
    await own.register('A_B@@ratings', { ip: '10.0.0.2' });
    await own.register('A-B@@ratings', { ip: '10.0.0.3' });
    await own.register('consumers:demo.Greet:1.0.0:', { ip: '10.0.0.4', port: 0 });
    await own.register('db', { ip: '10.0.0.5', ephemeral: false });
    await other.register('orders', { ip: '10.0.0.9' });
    const both = await mesh({ servers: [server.address], namespaces: ['all', 'else'] });
    await has(both, 'db 10.0.0.5', 'orders 10.0.0.1', 'orders 10.0.0.9', 'ratings 10.0.0.2', 'ratings 10.0.0.3');
    expect(both.problems()).toEqual([]);
    await own.deregister('db', { ip: '10.0.0.5', ephemeral: false });
  });

  test('a thousand at once are all read, though a watch tells 500', async () => {
    const many = await provider(server, { namespace: 'many' });
    const names = Array.from({ length: 1_000 }, (_, index) => `service-${String(index).padStart(4, '0')}`);
    const following = await mesh({ servers: [server.address], namespaces: ['many'] });
    for (const name of names) await many.register(name, { ip: '10.0.0.1' });
    await has(following, ...names.map((name) => `${name} 10.0.0.1`));
    many.close();
    await has(following, ...names);
  });

  test('of groups that a watch did not tell are found', async () => {
    const many = await provider(server, { namespace: 'groups' });
    const names = Array.from({ length: 520 }, (_, index) => `service-${String(index).padStart(3, '0')}`);
    for (const name of names) await many.register(name, { ip: '10.0.0.1' });
    for (const group of ['G1', 'G2']) await many.register(`${group}@@late`, { ip: '10.0.0.2' });
    const following = await mesh({ servers: [server.address], namespaces: ['groups'] });
    await has(following, 'late 10.0.0.2', 'late 10.0.0.2', ...names.map((name) => `${name} 10.0.0.1`));
    expect(following.problems()).toEqual([]);
  });

  test('stay while the server hangs, and are followed again afterwards', async () => {
    const own = await provider(server, { namespace: 'hung' });
    await own.register('orders', { ip: '10.0.0.1', ephemeral: false });
    const following = await mesh({ servers: [server.address], namespaces: ['hung'] });
    await has(following, 'orders 10.0.0.1');
    const before = following.changes;
    server.pause();
    await state(following, 'degraded');
    expect(following.services()).toEqual(['orders 10.0.0.1']);
    server.resume();
    await state(following, 'synced');
    expect(following.services()).toEqual(['orders 10.0.0.1']);
    expect(following.changes).toBe(before);
  });
});

describeWith(['nacos3'], 'a Nacos 3 with authentication', () => {
  let server: NacosServer;
  let dir = '';
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'binnacle-nacos-'));
    const properties = { 'nacos.core.auth.plugin.nacos.token.expire.seconds': '10' };
    server = await startNacos({ authentication: true, properties });
    await eventually(() => server.createAdmin('first').then(() => true), { what: 'an administrator' });
  }, nacosStartMs);
  afterAll(async () => {
    await server?.close();
    await rm(dir, { recursive: true, force: true });
  });

  test('is read with a login, and its services stay while the login is refused', async () => {
    const passwordFile = join(dir, 'password');
    await writeFile(passwordFile, 'first\n');
    // Just after its start, a server refuses logins for some seconds.
    const login = () => server.login('nacos', 'first');
    const own = await provider(server, { token: await eventually(login, { what: 'a login', timeoutMs: 100_000 }) });
    await own.register('orders', { ip: '10.0.0.1' });
    const following = await mesh({ servers: [server.address], username: 'nacos', passwordFile });
    await has(following, 'orders 10.0.0.1');
    const token = await server.login('nacos', 'first');
    await server.http('PUT', '/v3/auth/user', { username: 'nacos', newPassword: 'second', accessToken: token });
    await state(following, 'degraded: the login of nacos was refused');
    expect(following.services()).toEqual(['orders 10.0.0.1']);
    await writeFile(passwordFile, 'second\n');
    await state(following, 'synced');
  });
});

describeWith(['nacos2'], 'services of a Nacos 2', () => {
  let server: NacosServer;
  beforeAll(async () => {
    server = await startNacos({ version: 2 });
  }, nacosStartMs);
  afterAll(() => server?.close());

  test('are read in all groups, and followed when they come, change and go', async () => {
    const own = await provider(server);
    await own.register('orders', { ip: '10.0.0.1' });
    await own.register('G@@ratings', { ip: '10.0.0.2' });
    const following = await mesh({ servers: [server.address], listSeconds: 0.5 });
    await has(following, 'orders 10.0.0.1', 'ratings 10.0.0.2');
    await own.register('H@@late', { ip: '10.0.0.3' });
    await has(following, 'late 10.0.0.3', 'orders 10.0.0.1', 'ratings 10.0.0.2');
    await own.register('orders', { ip: '10.0.0.1', weight: 0 });
    await has(following, 'late 10.0.0.3', 'orders', 'ratings 10.0.0.2');
    own.close();
    await has(following, 'late', 'orders', 'ratings');
  });
});
