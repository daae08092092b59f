import { spawn } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../..');

/** Writes two files instead of messages; says so, as a generation takes long and prints. */
const generator = (contents: string) => `
import { mkdirSync, writeFileSync } from 'node:fs';
export function generateProtos() {
  mkdirSync('src/proto/gen/envoy', { recursive: true });
  writeFileSync('src/proto/gen/a_pb.js', ${JSON.stringify(contents)});
  writeFileSync('src/proto/gen/envoy/b_pb.js', 'b');
  console.log('GENERATED');
}`;

describe('generated messages', () => {
  let folder = '';
  let cache = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'binnacle-messages-'));
    cache = join(folder, 'cache');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** A checkout with all its packages, and nothing generated. */
  async function checkout(name: string, contents = 'a'): Promise<string> {
    const path = join(folder, name);
    await mkdir(join(path, 'node_modules'), { recursive: true });
    await mkdir(join(path, 'scripts'));
    for (const script of ['prepare.mjs', 'message-cache.mjs']) {
      await cp(join(root, 'scripts', script), join(path, 'scripts', script));
    }
    await writeFile(join(path, 'scripts/generate-protos.mjs'), generator(contents));
    for (const lockfile of ['package-lock.json', 'node_modules/.package-lock.json']) {
      await writeFile(join(path, lockfile), '{"packages":{}}');
    }
    return path;
  }

  /** Sets a checkout up; answers with whether it generated, and with what it has then. */
  async function prepare(path: string): Promise<{ generated: boolean; code: number | null; a: string; b: string }> {
    const { code, stdout } = await run(path, { XDG_CACHE_HOME: cache });
    const read = (file: string) => readFile(join(path, 'src/proto/gen', file), 'utf8');
    return { code, generated: stdout.includes('GENERATED'), a: await read('a_pb.js'), b: await read('envoy/b_pb.js') };
  }
  const entries = async () => await readdir(join(cache, 'binnacle'));
  const entryPath = async (file: string) => join(cache, 'binnacle', (await entries())[0] ?? '', file);

  it('are generated once, and copied into a second checkout', async () => {
    const first = await prepare(await checkout('first'));
    const second = await prepare(await checkout('second'));

    expect(first).toEqual({ code: 0, generated: true, a: 'a', b: 'b' });
    expect(second).toEqual({ code: 0, generated: false, a: 'a', b: 'b' });
    expect(await entries()).toHaveLength(1);
  });

  it('are generated again when their sources have changed', async () => {
    await prepare(await checkout('first'));
    const changed = await prepare(await checkout('second', 'changed'));
    const unchanged = await prepare(await checkout('third'));

    expect(changed).toMatchObject({ generated: true, a: 'changed' });
    expect(unchanged).toMatchObject({ generated: false, a: 'a' });
  });

  it('replace older ones in the checkout', async () => {
    await prepare(await checkout('first'));
    const second = await checkout('second');
    await mkdir(join(second, 'src/proto/gen'), { recursive: true });
    await writeFile(join(second, 'src/proto/gen/old_pb.js'), 'old');

    expect(await prepare(second)).toMatchObject({ generated: false });
    expect((await readdir(join(second, 'src/proto/gen'))).sort()).toEqual(['a_pb.js', 'envoy']);
  });

  for (const { name, damage } of [
    { name: 'a changed file', damage: async () => writeFile(await entryPath('gen/a_pb.js'), 'x') },
    { name: 'a missing file', damage: async () => rm(await entryPath('gen/envoy/b_pb.js')) },
    { name: 'a further file', damage: async () => writeFile(await entryPath('gen/c_pb.js'), 'c') },
    { name: 'no checksum', damage: async () => rm(await entryPath('checksum')) },
  ]) {
    it(`are generated again when the cache has ${name}, and repair it`, async () => {
      await prepare(await checkout('first'));
      await damage();

      expect(await prepare(await checkout('second'))).toEqual({ code: 0, generated: true, a: 'a', b: 'b' });
      expect(await prepare(await checkout('third'))).toEqual({ code: 0, generated: false, a: 'a', b: 'b' });
    });
  }

  it('are generated without a cache if none can be created', async () => {
    await writeFile(cache, 'a file where the folder should be');

    expect(await prepare(await checkout('first'))).toEqual({ code: 0, generated: true, a: 'a', b: 'b' });
  });

  it('are copied from a read-only cache', async () => {
    await prepare(await checkout('first'));
    await chmod(join(cache, 'binnacle'), 0o555);
    const second = await prepare(await checkout('second')).finally(() => chmod(join(cache, 'binnacle'), 0o755));

    expect(second).toEqual({ code: 0, generated: false, a: 'a', b: 'b' });
  });

  it('are complete in each of several checkouts that are set up at once', async () => {
    const paths = await Promise.all(['1', '2', '3', '4'].map((name) => checkout(name)));
    const prepared = await Promise.all(paths.map((path) => prepare(path)));

    for (const one of prepared) expect(one).toMatchObject({ code: 0, a: 'a', b: 'b' });
    expect(await entries()).toHaveLength(1);
    expect(await prepare(await checkout('later'))).toMatchObject({ generated: false });
  });
});

function run(cwd: string, env: Record<string, string>): Promise<{ code: number | null; stdout: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['scripts/prepare.mjs', '--no-build'], {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let stdout = '';
    child.stdout.on('data', (text: Buffer) => {
      stdout += text;
    });
    child.on('close', (code) => resolve({ code, stdout }));
  });
}
