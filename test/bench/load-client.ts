import { startChild, tailOf } from '../support/child.ts';
import { partProgram } from '../support/parts.ts';

export type Mode = 'delta' | 'sotw';

export interface LoadOptions {
  readonly mode: Mode;
  readonly xdsPort: number;
  readonly streams: number;
  /** A folder to save the first response of each type in (SotW only), for `gcpserver --load`. */
  readonly saveTo?: string;
  /** Every resource is unmarshalled by grpc-go's own types; one that cannot be ends the client. Slow. */
  readonly validate?: boolean;
  /** Streams that are opened in a second; without it all at once. */
  readonly perSecond?: number;
  /** Part of the names of the proxies: clients of one server at the same time need different ones. */
  readonly pods?: string;
  /** The namespaces that streams are of, in turn, as numbers of `namespaceName`; without it all are of `default`. */
  readonly namespaces?: { readonly first?: number; readonly count: number };
  /** Streams that end are opened again, as a sidecar does; without it the first one to end ends the client. */
  readonly retry?: boolean;
}

/** One line that xdsload prints; test/bench/xdsload says which events there are. */
interface LoadEvent {
  readonly event: string;
  readonly [field: string]: unknown;
}

/** A running xdsload, all of whose streams have their first full configuration. */
export interface LoadClient {
  /** Milliseconds until the last stream was configured. */
  readonly configuredMs: number;
  readonly edsNames: number;
  /** Route configurations that every stream subscribes to. */
  readonly rdsNames: readonly string[];
  /**
   * Makes a change and resolves when every stream has received a resource `name` that contains `token`: with the
   * milliseconds from the call until the last of them.
   */
  change(type: 'eds' | 'rds', name: string, token: string, make: () => Promise<void>): Promise<number>;
  /** Bytes of messages received so far, all streams and types together. */
  receivedBytes(): Promise<number>;
  /** How often a stream that had ended was opened again. */
  retries(): Promise<number>;
  /** From now on no stream takes anything from its socket; `resume` ends that. */
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
    const event = JSON.parse(line) as LoadEvent; // our own program: it prints nothing else
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

/** What a report counts; our own program writes it. */
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
