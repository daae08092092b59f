import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { openAds } from '../support/ads-client.ts';
import { type Child, startChild, tailOf } from '../support/child.ts';
import { type ControlPlane, type ControlPlaneOptions, startControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { get } from '../support/http.ts';
import { readOnlyMount } from '../support/own-mount.ts';
import { freePorts } from '../support/ports.ts';

const root = join(import.meta.dirname, '../..');

let folder: string;
const running: Child[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'binnacle-startup-'));
});
afterEach(async () => {
  for (const child of running.splice(0)) await child.stop(); // before its directory, to which it writes when it ends
  await rm(folder, { recursive: true, force: true });
});

/** Starts the program, expects a failure, and returns its output and exit code. */
async function failedStart(options: Omit<ControlPlaneOptions, 'waitReady'>) {
  const { child, httpPort, xdsPort } = await startControlPlane({
    dataDir: join(folder, 'data'),
    ...options,
    waitReady: false,
  });
  onTestFinished(() => child.kill());
  const code = await child.exited;
  return { code, stdout: child.stdout(), stderr: child.stderr(), httpPort, xdsPort };
}

/** Occupies a port of 127.0.0.1. */
async function taken(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

describe('a start that fails prints one line with the remedy and ends', () => {
  it('the HTTP port is taken', async () => {
    const httpPort = await taken();
    const { code, stdout, stderr, xdsPort } = await failedStart({ httpPort });
    expect(stderr).toBe(
      `binnacle: PORT_TAKEN: cannot listen on 127.0.0.1:${httpPort}: another process listens there: stop it, or choose another with --http\n`,
    );
    expect([code, stdout]).toEqual([1, '']);
    await expect(get(xdsPort)).rejects.toThrow('ECONNREFUSED');
  });

  it('the xDS port is taken', async () => {
    const xdsPort = await taken();
    const { code, stdout, stderr, httpPort } = await failedStart({ xdsPort });
    expect(stderr).toBe(
      `binnacle: PORT_TAKEN: cannot listen on 127.0.0.1:${xdsPort}: another process listens there: stop it, or choose another with --xds\n`,
    );
    expect([code, stdout]).toEqual([1, '']);
    await expect(get(httpPort)).rejects.toThrow('ECONNREFUSED');
  });

  it('the data directory is below a file', async () => {
    const dataDir = join(folder, 'file', 'data');
    await writeFile(join(folder, 'file'), '');
    const { code, stdout, stderr } = await failedStart({ dataDir });
    expect(stderr).toMatch(
      /^binnacle: DATA_DIR_UNWRITABLE: the data directory .*file\/data cannot be written \(ENOTDIR: .*\): .*--data-dir\n$/,
    );
    expect([code, stdout]).toEqual([1, '']);
  });

  for (const { name, shards } of [
    { name: 'empty', shards: false },
    { name: 'of an earlier run', shards: true },
  ]) {
    it(`the data directory is read-only, ${name}`, async () => {
      const dataDir = join(folder, 'read-only');
      await mkdir(shards ? join(dataDir, 'shards') : dataDir, { recursive: true });
      const { code, stdout, stderr } = await failedStart(await readOnly(dataDir));
      expect(stderr).toMatch(
        /^binnacle: DATA_DIR_UNWRITABLE: the data directory \S+ cannot be written \((EROFS|EACCES|EPERM): .*\): .*--data-dir\n$/,
      );
      expect([code, stdout]).toEqual([1, '']);
    });
  }

  for (const { name, text, says } of [
    { name: 'is no YAML', text: 'http: [', says: /\/binnacle\.yaml is not YAML: .* at line 1, column \d+\n$/ },
    { name: 'has an unknown key', text: 'htpp: x', says: /\/binnacle\.yaml: htpp: .*did you mean "http"\?\)\n$/ },
    { name: 'has a wrong value', text: 'push: { quietMs: -1 }', says: /\/binnacle\.yaml: push\.quietMs: .*0\n$/ },
    {
      name: 'has an unknown type of adapter',
      text: 'adapters: [{ type: nacso }]',
      says: / adapters: "nacso" has the unknown type "nacso"; there are file, .*\n$/,
    },
    {
      name: 'has an unknown key of an adapter',
      text: 'adapters: [{ type: file, path: mesh, rescan: 3 }]',
      says: / adapters: "file" \(file\): .*"rescan"\n$/,
    },
  ]) {
    it(`the configuration file ${name}`, async () => {
      const file = join(folder, 'binnacle.yaml');
      await writeFile(file, text);
      const { code, stdout, stderr } = await failedStart({ args: ['--config', file] });
      expect(stderr).toMatch(/^binnacle: CONFIG_INVALID: [^\n]*\n$/);
      expect(stderr).toMatch(says);
      expect([code, stdout]).toEqual([2, '']);
    });
  }

  it('the configuration file does not exist', async () => {
    const { code, stdout, stderr } = await failedStart({ args: ['--config', join(folder, 'none.yaml')] });
    expect(stderr).toMatch(
      /^binnacle: CONFIG_INVALID: .*none\.yaml cannot be read \(ENOENT: .*\): correct --config\n$/,
    );
    expect([code, stdout]).toEqual([2, '']);
  });

  it('a flag is misspelt', async () => {
    const { code, stdout, stderr } = await failedStart({ args: ['--log-levle', 'warn'] });
    expect(stderr).toBe('binnacle: CONFIG_INVALID: unknown flag --log-levle (did you mean "--log-level"?)\n');
    expect([code, stdout]).toEqual([2, '']);
  });

  it('the rules database is damaged', async () => {
    const dataDir = join(folder, 'data');
    await mkdir(dataDir);
    await writeFile(join(dataDir, 'rules.db'), 'no database'.repeat(1_000));
    const { code, stdout, stderr } = await failedStart({ dataDir });
    expect(stderr).toMatch(
      /^binnacle: STORE_DAMAGED: the rules database .*rules\.db is damaged \(.*\): restore it from a backup, or move it away [^\n]*\n$/,
    );
    expect([code, stdout]).toEqual([1, '']);
  });

  it('another process uses the data directory', async () => {
    const first = await startControlPlane();
    onTestFinished(() => first.stop());
    const { code, stdout, stderr } = await failedStart({ dataDir: first.dataDir });
    expect(stderr).toMatch(
      /^binnacle: STORE_UNAVAILABLE: the rules database .* is in use by another process: stop that one, or use another --data-dir\n$/,
    );
    expect([code, stdout]).toEqual([1, '']);
  });
});

/**
 * Makes a directory read-only. Root ignores permissions and needs a read-only mount or a place where nobody may write.
 */
async function readOnly(directory: string): Promise<Partial<ControlPlaneOptions>> {
  if (process.getuid?.() !== 0) {
    await chmod(directory, 0o555);
    onTestFinished(() => chmod(directory, 0o755));
    return { dataDir: directory };
  }
  const through = readOnlyMount(directory);
  return through === null ? { dataDir: '/sys/binnacle' } : { dataDir: directory, through };
}

describe('npm start', () => {
  /** Runs the program of `npm start` after its preparation, on free ports. */
  async function start(): Promise<{ readonly child: Child; readonly httpPort: number; readonly xdsPort: number }> {
    const [httpPort = 0, xdsPort = 0] = await freePorts(2);
    const addresses = ['--http', `127.0.0.1:${httpPort}`, '--xds', `127.0.0.1:${xdsPort}`];
    const child = startChild({
      name: 'npm-start',
      command: process.execPath,
      args: ['scripts/start.mjs', ...addresses, '--data-dir', join(folder, 'data')],
      cwd: root,
    });
    running.push(child);
    const ready = async () => (await get(httpPort, { path: '/readyz' })).status === 200;
    await eventually(ready, { what: 'readiness' }).catch((cause: unknown) => {
      throw new Error(tailOf(child), { cause });
    });
    return { child, httpPort, xdsPort };
  }

  it('serves the sample mesh and prints the next steps', async () => {
    const { child, httpPort, xdsPort } = await start();
    const printed = child.stdout();
    expect(printed).toContain(`sidecars (xDS)   127.0.0.1:${xdsPort}`);
    const urls = [...printed.matchAll(/curl (http:\S+)/g)].map(([, url = '']) => new URL(url));
    expect(urls.map(({ port, pathname }) => [Number(port), pathname])).toEqual([
      [httpPort, '/'],
      [httpPort, '/debug/registryz'],
      [httpPort, '/debug/configz'],
    ]);
    const body = async (path: string) => (await get(httpPort, { path })).body;
    expect(await body('/')).toContain('/debug');
    await eventually(async () => (await body('/debug/registryz')).includes('"productpage.default.svc.cluster.local"'), {
      what: 'the services of the sample',
    });
    expect(await body('/debug/configz')).toContain('"kind":"VirtualService"');
    expect(JSON.parse(await body('/debug/problemz'))).toEqual({ objects: [], resolved: [], idle: [] });
  });

  it('has every metric and debug view of docs/operations.md, which names only existing tests', async () => {
    const { httpPort } = await start();
    const document = await readFile(join(root, 'docs/operations.md'), 'utf8');
    const { body } = await get(httpPort, { path: '/metrics' });
    const metrics = [...body.matchAll(/^# HELP (\S+)/gm)].map(([, name = '']) => name);
    const own = metrics.filter((name) => !/^binnacle_(process|nodejs)_/.test(name));
    const documented = [...document.matchAll(/^\| `(binnacle_\w+)/gm)].map(([, name]) => name);
    expect(documented.sort()).toEqual(own.sort());
    const views = JSON.parse((await get(httpPort, { path: '/debug/list' })).body) as { path: string }[]; // its format
    const described = [...document.matchAll(/^\| `(\/debug\/[\w/]+)/gm)].map(([, path]) => path);
    expect(described).toEqual(views.map(({ path }) => path));
    const tests = [...document.matchAll(/`(test\/\S+\.test\.ts)`/g)].map(([, path = '']) => path);
    expect(tests.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    expect(tests).not.toEqual([]);
  });

  it('ends as a supervisor expects when its launcher gets a signal', async () => {
    const { child, httpPort } = await start();
    child.signal('SIGTERM');
    expect(await child.exited).toBe(0);
    await expect(get(httpPort)).rejects.toThrow('ECONNREFUSED');
  });
});

describe('SIGTERM', () => {
  let controlPlane: ControlPlane;
  beforeEach(async () => {
    controlPlane = await startControlPlane();
  });
  afterEach(() => controlPlane.stop());

  it('ends open streams with UNAVAILABLE, and the program with 0, within a few seconds', async () => {
    const stream = openAds(controlPlane.xdsPort);
    await stream.subscribe('cluster');
    const signalledAt = performance.now();
    controlPlane.child.signal('SIGTERM');
    expect(await stream.ended).toMatchObject({ code: 14, details: 'the control plane is stopping' });
    expect(await controlPlane.child.exited).toBe(0);
    expect(performance.now() - signalledAt).toBeLessThan(5_000);
    expect(controlPlane.child.stderr()).toMatch(/"stopping"\}\n$/);
  });

  it('waits neither for a client that has stopped reading nor for an endless watch', async () => {
    const stream = openAds(controlPlane.xdsPort);
    await stream.subscribe('cluster');
    stream.pause();
    const watch = request({
      host: '127.0.0.1',
      port: controlPlane.httpPort,
      path: '/registry/v1/namespaces/default/services?watch=true',
    });
    const cutOff = new Promise((resolve) => watch.on('close', resolve));
    watch.on('error', () => {}); // `cutOff` reports the end
    const [answer] = await once(watch.end(), 'response');
    answer.resume();
    controlPlane.child.signal('SIGTERM');
    expect(await controlPlane.child.exited).toBe(0);
    await cutOff;
  });
});
