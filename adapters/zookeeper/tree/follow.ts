import type { Clock } from '../../../src/lib/clock.ts';
import type { ZooKeeperConnection } from '../client/connection.ts';
import { ZooKeeperError } from '../client/protocol.ts';
import type { Mirror, NodeRead } from './mirror.ts';

export interface TreeFollowOptions {
  readonly connection: ZooKeeperConnection;
  readonly mirrors: readonly Mirror[];
  readonly clock: Clock;
  /** Interval of comparisons of the whole trees with the server. */
  readonly reconcileMs: number;
  /** Called when the trees were read whole, and afterwards with each batch of changes. */
  readonly changed: () => void;
  /** Called for a path that may not be read, or with null when it may be again. */
  readonly denied: (path: string, message: string | null) => void;
}

/** Reads that are under way at once. A server answers in order, so more would not make it faster. */
const maxReads = 256;

/** Follows trees over one connection until it ends. */
export async function followTrees(options: TreeFollowOptions): Promise<void> {
  const { connection, mirrors, clock, reconcileMs, changed, denied } = options;
  const queued = new Map<string, NodeRead>();
  let underWay = 0;
  let isOver = false;
  let hasBegun = false;
  /** True once all trees were read over this connection. */
  let isWhole = false;
  let isSettling = false;
  let cancelReconcile: (() => void) | null = null as (() => void) | null; // closures assign it

  const mirrorsOf = (path: string) => mirrors.filter((mirror) => mirror.covers(path));

  function enqueue(reads: readonly NodeRead[]): void {
    for (const read of reads) queued.set(`${read.what} ${read.path}`, read);
  }

  function send(): void {
    for (const [key, read] of queued) {
      if (underWay >= maxReads) return;
      queued.delete(key);
      underWay += 1;
      if (read.what === 'children') connection.readChildren(read.path, (answer) => listed(read.path, answer));
      else connection.readData(read.path, (answer) => received(read.path, answer));
    }
  }

  function listed(path: string, answer: readonly string[] | Error): void {
    const children = judged(path, answer);
    if (children !== 'unknown') for (const mirror of mirrorsOf(path)) enqueue(mirror.listed(path, children));
    answered();
  }

  function received(path: string, answer: Buffer | Error): void {
    const data = judged(path, answer);
    if (data !== 'unknown') for (const mirror of mirrorsOf(path)) mirror.read(path, data);
    answered();
  }

  function answered(): void {
    underWay -= 1;
    if (!isOver) send();
    settleSoon();
  }

  /** Returns null for a node that does not exist. What may not be read is unknown, and stays as it was. */
  function judged<T>(path: string, answer: T | Error): T | null | 'unknown' {
    if (answer instanceof Error && !(answer instanceof ZooKeeperError && (answer.isMissing || answer.isDenied))) {
      isOver = true;
      connection.destroy(answer);
      return 'unknown';
    }
    const isDenied = answer instanceof ZooKeeperError && answer.isDenied;
    denied(path, isDenied ? answer.message : null);
    if (isDenied) return 'unknown';
    return answer instanceof Error ? null : answer;
  }

  /** Settles once for all messages that arrived together. */
  function settleSoon(): void {
    if (isSettling) return;
    isSettling = true;
    setImmediate(() => {
      isSettling = false;
      if (!isOver) settle();
    });
  }

  function settle(): void {
    if (hasBegun && underWay === 0 && queued.size === 0) {
      isWhole = true;
      cancelReconcile ??= clock.after(reconcileMs, compare);
    }
    if (isWhole) changed();
  }

  function compare(): void {
    cancelReconcile = null;
    hasBegun = true;
    for (const mirror of mirrors) enqueue(mirror.restart());
    send();
  }

  connection.onEvent = (event) => {
    for (const mirror of mirrorsOf(event.path)) enqueue(mirror.receive(event));
  };
  connection.onQuiet = () => {
    send();
    settleSoon();
  };
  try {
    for (const { root } of mirrors) await connection.watchTree(root).catch(explainWatch);
    compare();
    await connection.closed;
  } finally {
    isOver = true;
    cancelReconcile?.();
  }
}

function explainWatch(error: Error): never {
  if (error instanceof ZooKeeperError && error.isUnknownRequest)
    throw new Error('it has no recursive watches: ZooKeeper 3.6 or newer is needed', { cause: error });
  throw error;
}
