import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../..');
const pretendNode20 = `data:text/javascript,Object.defineProperty(process.versions,'node',{value:'20.0.0'})`;

describe('bin/binnacle.mjs', () => {
  let checkout = '';
  beforeEach(async () => {
    checkout = await mkdtemp(join(tmpdir(), 'binnacle-launcher-'));
    await writeFile(join(checkout, 'package.json'), '{"type":"module"}');
    await cp(join(root, 'bin'), join(checkout, 'bin'), { recursive: true });
  });
  afterEach(() => rm(checkout, { recursive: true, force: true }));

  const build = async (program: string) => {
    await mkdir(join(checkout, 'dist/src/cli'), { recursive: true });
    await writeFile(join(checkout, 'dist/src/cli/main.js'), program);
  };
  const addPackages = () => symlink(join(root, 'node_modules'), join(checkout, 'node_modules'));
  const launch = (flags: string[], args: string[], options: RunOptions = {}) =>
    runNode([...flags, join(checkout, 'bin/binnacle.mjs'), ...args], options);

  it('runs the program in place on a sufficiently new Node', async () => {
    await build('console.log(process.ppid, process.argv.slice(2).join());');

    const { code, stdout } = await launch([], ['version', '--x', ':1']);

    expect({ code, stdout }).toEqual({ code: 0, stdout: `${process.pid} version,--x,:1\n` });
  });

  it('serves with the settings of runtime.json, in place if they are set', async () => {
    await build('console.log(process.execArgv.join(), process.env.MALLOC_ARENA_MAX, process.argv[2], process.ppid);');
    const flags = ['--max-semi-space-size=2', '--heap-growing-percent=130'];

    const started = await launch([], ['serve']);
    const inPlace = await launch(flags, ['serve'], { env: { MALLOC_ARENA_MAX: '1' } });
    const withoutVariable = await launch(flags, ['serve']);

    expect(started.stdout).toMatch(new RegExp(`^${flags.join()} 1 serve \\d+\n$`));
    expect(started.stdout).not.toContain(` ${process.pid}\n`); // a child of the launcher
    expect(inPlace.stdout).toBe(`${flags.join()} 1 serve ${process.pid}\n`);
    expect(withoutVariable.stdout).not.toContain(` ${process.pid}\n`);
  });

  it('keeps allocator settings of the administrator', async () => {
    await build('console.log(process.env.MALLOC_ARENA_MAX);');

    const { stdout } = await launch([], ['serve'], { env: { MALLOC_ARENA_MAX: '8' } });

    expect(stdout).toBe('8\n');
  });

  it('names the build command when there is no build', async () => {
    const { code, stderr } = await launch([], ['serve']);

    expect(code).toBe(1);
    expect(stderr).toMatch(/^binnacle: .*npm run build.*\n$/);
  });

  it('names the package to install on an old Node without the packaged one', async () => {
    await build('console.log("ran");');

    const { code, stdout, stderr } = await launch(['--import', pretendNode20], []);

    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^binnacle: Node\.js 24 or newer is needed, this is 20\.0\.0: install .*\n$/);
  });

  describe.runIf(process.platform === 'linux')('on an old Node with the packaged one', () => {
    it('passes on arguments and exit code', async () => {
      await addPackages();
      await build('console.log(process.versions.node.split(".")[0], process.argv[2]); process.exitCode = 7;');

      const { code, stdout } = await launch(['--import', pretendNode20], ['serve']);

      expect({ code, stdout }).toEqual({ code: 7, stdout: '24 serve\n' });
    });

    it('closes the channel of the program when it is killed', async () => {
      await addPackages();
      await build('process.on("disconnect", () => console.log("alone")); console.log("up");');

      const { stdout } = await launch(['--import', pretendNode20], [], {
        onOutput: (pid) => process.kill(pid, 'SIGKILL'),
      });

      expect(stdout).toBe('up\nalone\n');
    });

    it('forwards a signal, so that the program can drain', async () => {
      await addPackages();
      await build(
        'process.on("SIGTERM", () => { console.log("drained"); process.exit(3); }); setInterval(() => {}, 1000); console.log("up");',
      );

      const { code, stdout } = await launch(['--import', pretendNode20], [], {
        onOutput: (pid) => process.kill(pid, 'SIGTERM'),
      });

      expect({ code, stdout }).toEqual({ code: 3, stdout: 'up\ndrained\n' });
    });
  });
});

interface RunOptions {
  /** Variables to add to the environment of this process, without those under test. */
  readonly env?: Readonly<Record<string, string>>;
  readonly onOutput?: (pid: number) => void;
}

function runNode(args: string[], { env = {}, onOutput = () => {} }: RunOptions) {
  const { MALLOC_ARENA_MAX: _unset, ...inherited } = process.env;
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...inherited, ...env } });
    const output = { stdout: '', stderr: '' };
    child.stdout.once('data', () => onOutput(child.pid ?? 0));
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].on('data', (chunk: Buffer) => {
        output[name] += chunk.toString();
      });
    }
    child.on('close', (code) => resolve({ code, ...output }));
  });
}
