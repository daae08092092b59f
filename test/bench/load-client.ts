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
  stop(): Promise<void>;
}

const configureTimeoutMs = 180_000;
const stepTimeoutMs = 60_000;

export async function startLoadClient(options: LoadOptions): Promise<LoadClient> {
  const { mode, xdsPort, streams, saveTo, validate = false } = options;
  const child = startChild({
    name: 'xdsload',
    command: await partProgram('xdsload'),
    args: [
      ...['--addr', `127.0.0.1:${xdsPort}`, '--n', String(streams), '--control', '--retry=false'],
      ...['--timeout', `${configureTimeoutMs / 1000}s`, ...(mode === 'delta' ? ['--delta'] : [])],
      ...(saveTo === undefined ? [] : ['--save', saveTo]),
      ...(validate ? ['--validate'] : []),
    ],
  });
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

  const configured = await next('configured', configureTimeoutMs + stepTimeoutMs);
  return {
    configuredMs: Number(configured.total_ms),
    edsNames: Number(configured.eds_names),
    rdsNames: (configured.rds_names as string[] | null) ?? [], // a list of strings, or null when there are none
    async change(type, name, token, make) {
      const armed = next('armed');
      child.send(`arm ${type} ${name} ${token}`);
      await armed;
      const received = next('marker');
      const startedAtMs = performance.timeOrigin + performance.now();
      await Promise.all([make(), received]);
      return Number((await received).last_ns) / 1e6 - startedAtMs;
    },
    async receivedBytes() {
      const report = next('report');
      child.send('report');
      const totals = (await report).totals as Record<string, { bytes: number }>; // by type, and further counters
      return ['cds', 'eds', 'lds', 'rds'].reduce((sum, type) => sum + (totals[type]?.bytes ?? 0), 0);
    },
    async stop() {
      child.send('quit');
      await child.stop(5_000);
    },
  };
}
