import { startChild, tailOf } from '../support/child.ts';
import { partProgram } from '../support/parts.ts';

export type Mode = 'delta' | 'sotw';

export interface LoadOptions {
  readonly mode: Mode;
  readonly xdsPort: number;
  readonly streams: number;
  /** A folder for the first response of each type (SotW only), for `gcpserver --load`. */
  readonly saveTo?: string;
  /** Unmarshals every resource with grpc-go's types; a failure ends the client. Slow. */
  readonly validate?: boolean;
  /** Number of streams to open per second; all at once if left out. */
  readonly perSecond?: number;
  /** Part of the proxies' names: concurrent clients of one server need different ones. */
  readonly pods?: string;
  /** Namespaces of the streams in turn, as numbers of `namespaceName`; only `default` if left out. */
  readonly namespaces?: { readonly first?: number; readonly count: number };
  /** Reopens streams that end, as a sidecar does. Otherwise the first end stops the client. */
  readonly retry?: boolean;
}

/** One line of xdsload's output; test/bench/xdsload lists the events. */
interface LoadEvent {
  readonly event: string;
  readonly [field: string]: unknown;
}

/** A running xdsload whose streams all have their first complete configuration. */
export interface LoadClient {
  /** Milliseconds until the last stream was configured. */
  readonly configuredMs: number;
  readonly edsNames: number;
  /** Route configurations that every stream subscribes to. */
  readonly rdsNames: readonly string[];
  /**
   * Makes a change and waits until every stream has received a resource `name` that contains `token`. Resolves with the
   * milliseconds from the call until the last stream.
   */
  change(type: 'eds' | 'rds', name: string, token: string, make: () => Promise<void>): Promise<number>;
  /** Returns the bytes of received messages, for all streams and types. */
  receivedBytes(): Promise<number>;
  /** Returns how often an ended stream was reopened. */
  retries(): Promise<number>;
  /** Stops reading from all sockets until `resume`. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  stop(): Promise<void>;
}

const configureTimeoutMs = 180_000;
const stepTimeoutMs = 120_000;

export async function startLoadClient(options: LoadOptions): Promise<LoadClient> {
  const child = startChild({ name: 'xdsload', command: await partProgram('xdsload'), args: argumentsOf(options) });
  const waiting = new Map<string, { resolve(event: LoadEvent): void; reject(error: Error): void }>();
  const failAll = (reason: string) => {
    for (const { reject } of waiting.values()) reject(new Error(`${reason}\n${tailOf(child)}`));
  };
  child.onLine((line) => {
    const event = JSON.parse(line) as LoadEvent; // xdsload prints nothing else
    if (event.event === 'error' || event.event === 'timeout') failAll(`xdsload: ${line.slice(0, 500)}`);
    waiting.get(event.event)?.resolve(event);
  });
  child.exited.then(
    () => failAll('xdsload ended'),
    () => {},
  );
  const next = async (event: string, timeoutMs = stepTimeoutMs): Promise<LoadEvent> => {
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise((resolve, reject) => {
        waiting.set(event, { resolve, reject });
        timer = setTimeout(() => reject(new Error(`no "${event}" within ${timeoutMs} ms`)), timeoutMs);
      });
    } finally {
      clearTimeout(timer);
      waiting.delete(event);
    }
  };
  const ask = async (command: string, answer: string): Promise<LoadEvent> => {
    const answered = next(answer);
    child.send(command);
    return answered;
  };
  const totals = async () => (await ask('report', 'report')).totals as LoadTotals;

  const configured = await next('configured', configureTimeoutMs + stepTimeoutMs);
  return {
    configuredMs: Number(configured.total_ms),
    edsNames: Number(configured.eds_names),
    rdsNames: (configured.rds_names as string[] | null) ?? [], // a list of strings, or null when there are none
    async change(type, name, token, make) {
      await ask(`arm ${type} ${name} ${token}`, 'armed');
      const received = next('marker');
      const startedAtMs = performance.timeOrigin + performance.now();
      await Promise.all([make(), received]);
      return Number((await received).last_ns) / 1e6 - startedAtMs;
    },
    async receivedBytes() {
      const { cds, eds, lds, rds } = await totals();
      return [cds, eds, lds, rds].reduce((sum, { bytes }) => sum + bytes, 0);
    },
    retries: async () => (await totals()).retries,
    pause: async () => void (await ask('pause', 'paused')),
    resume: async () => void (await ask('resume', 'resumed')),
    async stop() {
      child.send('quit');
      await child.stop(5_000);
    },
  };
}

/** Counters of a report, written by xdsload. */
type LoadTotals = Readonly<Record<'cds' | 'eds' | 'lds' | 'rds', { readonly bytes: number }>> & {
  readonly retries: number;
};

function argumentsOf({
  mode,
  xdsPort,
  streams,
  perSecond,
  pods,
  namespaces,
  ...options
}: LoadOptions): readonly string[] {
  const { saveTo, validate = false, retry = false } = options;
  return [
    ...['--addr', `127.0.0.1:${xdsPort}`, '--n', String(streams), '--control', `--retry=${retry}`],
    ...['--timeout', `${configureTimeoutMs / 1000}s`, ...(mode === 'delta' ? ['--delta'] : [])],
    ...(saveTo === undefined ? [] : ['--save', saveTo]),
    ...(validate ? ['--validate'] : []),
    ...(perSecond === undefined ? [] : ['--ramp', String(perSecond)]),
    ...(pods === undefined ? [] : ['--node-id', `sidecar~{ip}~${pods}-{i}.{ns}~{ns}.svc.cluster.local`]),
    ...(namespaces === undefined
      ? []
      : ['--namespaces', String(namespaces.count), '--first-namespace', String(namespaces.first ?? 0)]),
  ];
}
