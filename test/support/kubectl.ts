import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Child, startChild } from './child.ts';
import { partProgram } from './parts.ts';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A real kubectl in a new directory, with no configuration except the server's address, or a kubeconfig. */
export interface Kubectl {
  readonly dir: string;
  /**
   * Runs a command and returns its result, even after a failure. A text is split at spaces; a list is used unchanged.
   */
  run(command: string | readonly string[], options?: RunOptions): Promise<Ran>;
  /** Runs a command that must succeed with empty standard error. Returns its output. */
  ok(command: string | readonly string[], options?: RunOptions): Promise<string>;
  /** Runs a command that must fail. Returns its standard error. */
  fails(command: string | readonly string[], options?: RunOptions): Promise<string>;
  /** Starts a command that keeps running, such as `get -w`. */
  start(command: string): Child;
  /** Writes a file into `dir` and returns its path. */
  file(name: string, text: string): Promise<string>;
  delete(): Promise<void>;
}

/** `server` is a URL, a port of 127.0.0.1, or the text of a kubeconfig. */
export async function createKubectl(server: number | string | { readonly kubeconfig: string }): Promise<Kubectl> {
  const program = await partProgram('kubectl');
  const dir = await mkdtemp(join(tmpdir(), 'binnacle-kubectl-'));
  const env = { HOME: dir, KUBECONFIG: join(dir, 'kubeconfig') };
  if (typeof server === 'object') await writeFile(env.KUBECONFIG, server.kubeconfig, { mode: 0o600 });
  const address = typeof server === 'object' ? [] : ['--server', urlOf(server)];
  const common = [...address, '--cache-dir', join(dir, 'cache')];
  const argsOf = (command: string | readonly string[]) => [
    ...(typeof command === 'string' ? command.split(' ') : command),
    ...common,
  ];

  const run = (command: string | readonly string[], { stdin = '', env: more = {} }: RunOptions = {}): Promise<Ran> =>
    new Promise((resolve, reject) => {
      const child = spawn(program, argsOf(command), { env: { ...process.env, ...env, ...more }, cwd: dir });
      let [stdout, stderr] = ['', ''];
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        stdout += text;
      });
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text;
      });
      child.on('error', reject);
      child.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
      child.stdin.on('error', () => {}); // kubectl may exit before it has read everything
      child.stdin.end(stdin);
    });

  return {
    dir,
    run,
    async ok(command, options) {
      const { code, stdout, stderr } = await run(command, options);
      expect({ command, code, stderr }).toEqual({ command, code: 0, stderr: '' });
      return stdout;
    },
    async fails(command, options) {
      const { code, stdout, stderr } = await run(command, options);
      expect({ command, code, stdout }).toEqual({ command, code: 1, stdout: expect.anything() });
      return stderr;
    },
    start: (command) => startChild({ name: 'kubectl', command: program, args: argsOf(command), env, cwd: dir }),
    async file(name, text) {
      const path = join(dir, name);
      await mkdir(join(path, '..'), { recursive: true });
      await writeFile(path, text);
      return path;
    },
    delete: () => rm(dir, { recursive: true, force: true }),
  };
}

const urlOf = (server: number | string): string => (typeof server === 'number' ? `http://127.0.0.1:${server}` : server);
