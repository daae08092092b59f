import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { startControlPlane } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { get } from '../support/http.ts';

const root = join(import.meta.dirname, '../..');

describe('the example adapter', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'binnacle-example-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const hosts = async (httpPort: number) => {
    const { body } = await get(httpPort, { path: '/debug/registryz' });
    return [...new Set(body.match(/[a-z]+\.example/g))].sort();
  };

  it('serves the list of its folder with the command of docs/adapters.md', async () => {
    const documented = 'npm start -- --config adapters/example/binnacle.yaml';
    expect(await readFile(join(root, 'docs/adapters.md'), 'utf8')).toContain(documented);

    const plane = await startControlPlane({ args: ['--config', 'adapters/example/binnacle.yaml'] });
    onTestFinished(() => plane.stop());

    expect(await hosts(plane.httpPort)).toEqual(['ratings.example', 'reviews.example']);
  });

  it('follows a changed list, and keeps the last one while it cannot be read', async () => {
    const source = join(folder, 'services.json');
    await cp(join(root, 'adapters/example/services.json'), source);
    const plane = await startControlPlane({ config: { adapters: [{ type: 'example', source, pollSeconds: 0.05 }] } });
    onTestFinished(() => plane.stop());

    await writeFile(source, '[{ "host": "details.example", "port": 80, "addresses": ["10.0.0.9"] }]');
    await eventually(async () => (await hosts(plane.httpPort)).join() === 'details.example', { what: 'the new list' });

    await rm(source);
    const adapters = async () => (await get(plane.httpPort, { path: '/debug/adapterz' })).body;
    await eventually(async () => (await adapters()).includes('services.json cannot be read'), { what: 'degraded' });
    expect(await adapters()).toContain('"degraded"');
    expect(await hosts(plane.httpPort)).toEqual(['details.example']);
  });
});
