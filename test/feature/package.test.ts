import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openAds } from '../support/ads-client.ts';
import { startChild, tailOf } from '../support/child.ts';
import { eventually } from '../support/eventually.ts';
import { get } from '../support/http.ts';
import { freePorts } from '../support/ports.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const longMs = 600_000; // npm installs from its registry

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'binnacle-package-'));
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: root }); // it was built for this test
  const [tarball = ''] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
  await writeFile(join(folder, 'package.json'), '{ "private": true }');
  await run('npm', ['install', '--no-audit', '--no-fund', '--omit=dev', join(folder, tarball)], { cwd: folder });
}, longMs);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the published package', () => {
  it('runs by npx', async () => {
    const { stdout } = await run('npx', ['--offline', 'binnacle', '--version'], { cwd: folder });
    expect(`binnacle@${stdout.trim()}`).toBe(await installed());
  });

  it('serves a mesh', { timeout: longMs }, async () => {
    await mkdir(join(folder, 'mesh'));
    await writeFile(join(folder, 'mesh/orders.yaml'), JSON.stringify(orders));
    const [http = 0, xds = 0] = await freePorts(2);
    const server = startChild({
      name: 'package',
      command: join(folder, 'node_modules/.bin/binnacle'), // npx would not pass SIGTERM on
      args: [
        ...['serve', '--mesh-dir', 'mesh', '--data-dir', 'data'],
        ...['--http', `127.0.0.1:${http}`, '--xds', `127.0.0.1:${xds}`],
      ],
      cwd: folder,
    });
    onTestFinished(() => server.stop());
    await eventually(
      async () => {
        if (!server.running) throw new Error(tailOf(server));
        return (await get(http, { path: '/readyz' })).status === 200;
      },
      { what: 'readiness of the package' },
    );
    const { resources } = await openAds(xds).subscribe('cluster');
    expect([...resources.keys()]).toContain('outbound|80||orders.example');
  });

  it('brings its licence, its notice and no tests', async () => {
    const files = await readdir(join(folder, 'node_modules/binnacle'));
    expect(files.sort()).toEqual([
      ...['CHANGELOG.md', 'LICENSE', 'NOTICE', 'README.md', 'bin', 'dist', 'package.json', 'src'],
    ]);
    expect(await readdir(join(folder, 'node_modules/binnacle/dist'))).not.toContain('test');
  });
});

/** Name and version of the package that npm installed. */
async function installed(): Promise<string> {
  const { stdout } = await run('npm', ['ls', 'binnacle', '--json'], { cwd: folder });
  return `binnacle@${JSON.parse(stdout).dependencies.binnacle.version}`;
}

const orders = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'ServiceEntry',
  metadata: { name: 'orders', namespace: 'shop' },
  spec: {
    hosts: ['orders.example'],
    location: 'MESH_INTERNAL',
    resolution: 'STATIC',
    ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
    endpoints: [{ address: '127.0.0.1' }],
  },
};
