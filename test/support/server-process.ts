import { type Child, startChild, tailOf } from './child.ts';
import { eventually } from './eventually.ts';

/** A server that can fail and come back, on the same port and with the same data. */
export interface ServerProcess {
  readonly pid: number;
  readonly running: boolean;
  /** Starts it if it does not run, and waits until it is ready. */
  start(): Promise<void>;
  /** Ends it in order. */
  stop(): Promise<void>;
  /** Ends it at once, like a crash. */
  kill(): Promise<void>;
  /** Stops its execution (SIGSTOP): connections stay open and hear nothing. */
  pause(): void;
  resume(): void;
  /** Ends it in order, starts it, and waits until it is ready. */
  restart(): Promise<void>;
}

export interface ServerProcessOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  isReady(): Promise<boolean>;
  /** Number of starts to try, for servers that end by themselves if others are not ready yet. Default: 1. */
  readonly attempts?: number;
}

export function serverProcess({ name, command, args, isReady, attempts = 1 }: ServerProcessOptions): ServerProcess {
  let child: Child | null = null;

  async function start(left = attempts): Promise<void> {
    if (child?.running === true) return;
    const started = startChild({ name, command, args });
    child = started;
    await eventually(
      async () => {
        if (started.running) return await isReady();
        return true; // it has ended: no reason to wait
      },
      { what: `${name} is ready`, timeoutMs: 300_000 },
    );
    if (started.running) return;
    if (left <= 1) throw new Error(`${name} has ended:\n${tailOf(started)}`);
    await start(left - 1);
  }
  const stop = async () => {
    child?.signal('SIGCONT'); // a paused one would not end
    await child?.stop();
  };
  return {
    get pid() {
      return child?.pid ?? -1;
    },
    get running() {
      return child?.running ?? false;
    },
    start: () => start(),
    stop,
    kill: async () => await child?.kill(),
    pause: () => child?.signal('SIGSTOP'),
    resume: () => child?.signal('SIGCONT'),
    async restart() {
      await stop();
      await start();
    },
  };
}
