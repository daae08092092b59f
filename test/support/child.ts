import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** Log files of all programs that tests start, one each. `npm test` empties the folder first. */
const logFolder = join(import.meta.dirname, '../../.cache/test-logs');

export interface ChildOptions {
  /** Names the log file. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** A program started by a test. It ends with the test process at the latest. */
export interface Child {
  readonly pid: number;
  readonly logFile: string;
  /** Returns the output so far. */
  stdout(): string;
  stderr(): string;
  /** Writes a line to its standard input. */
  send(line: string): void;
  /** Calls `listener` with each later line of standard output. */
  onLine(listener: (line: string) => void): void;
  /** Resolves with the exit code, or with the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>;
  readonly running: boolean;
  signal(signal: NodeJS.Signals): void;
  /** Sends SIGTERM, then SIGKILL after `graceMs`, and waits until it has exited. */
  stop(graceMs?: number): Promise<void>;
  /** Ends it at once with SIGKILL, like a crash, and waits until it has exited. */
  kill(): Promise<void>;
}

const alive = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});
let started = 0;

/** Starts a program. Throws when the program does not exist; `exited` reports later errors. */
export function startChild({ name, command, args, env = {}, cwd }: ChildOptions): Child {
  mkdirSync(logFolder, { recursive: true });
  const logFile = join(logFolder, `${name}-${process.pid}-${++started}.log`);
  const child = spawn(command, args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  if (child.pid === undefined) {
    child.on('error', () => {}); // reported by the throw below
    throw new Error(`${command} could not be started`);
  }
  alive.add(child);
  child.stdin.on('error', () => {}); // `exited` reports that the child has gone
  const exited = new Promise<number | NodeJS.Signals>((resolve) => {
    child.on('close', (code, signal) => {
      alive.delete(child);
      resolve(signal ?? code ?? 1);
    });
  });
  const output = gather(child, logFile);
  const running = () => child.exitCode === null && child.signalCode === null;
  const endWith = async (signal: NodeJS.Signals) => {
    if (running()) child.kill(signal);
    await exited;
  };
  return {
    pid: child.pid,
    logFile,
    ...output,
    send: (line) => child.stdin.write(`${line}\n`),
    exited,
    get running() {
      return running();
    },
    signal: (signal) => child.kill(signal),
    async stop(graceMs = 10_000) {
      const insist = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await endWith('SIGTERM');
      clearTimeout(insist);
    },
    kill: () => endWith('SIGKILL'),
  };
}

function gather(child: ChildProcess, logFile: string) {
  const log = createWriteStream(logFile);
  const printed = { stdout: '', stderr: '' };
  const listeners: ((line: string) => void)[] = [];
  let unfinished = '';
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      printed[name] += text;
      log.write(text);
      if (name === 'stderr') return;
      const lines = (unfinished + text).split('\n');
      unfinished = lines.pop() ?? '';
      for (const line of lines) for (const listener of listeners) listener(line);
    });
  }
  child.on('close', () => log.end());
  return {
    stdout: () => printed.stdout,
    stderr: () => printed.stderr,
    onLine: (listener: (line: string) => void) => {
      listeners.push(listener);
    },
  };
}

/** Returns the end of a child's output, for the message of a failure. */
export const tailOf = (child: Child): string =>
  `${child.stdout()}${child.stderr()}`.split('\n').slice(-15).join('\n').concat(`\n(all of it: ${child.logFile})`);
