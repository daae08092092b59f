import { createKubernetesClient } from '../../../src/kubernetes/client.ts';
import { createCredentials } from '../../../src/kubernetes/credentials.ts';
import { findAccess } from '../../../src/kubernetes/find-access.ts';
import { follow } from '../../../src/kubernetes/follow.ts';
import { createReflector, type KindTrouble } from '../../../src/kubernetes/reflector.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { eventually } from '../eventually.ts';

/** One kind that is followed with short deadlines. */
export interface Followed {
  /** Names of the objects that are known, sorted. */
  names(): readonly string[];
  /** Value of `data.value` by name, of the last change. */
  values(): Readonly<Record<string, string>>;
  trouble(): KindTrouble['type'] | null;
  isSettled(): boolean;
  /** Reasons of new lists, and differences that were found, in order. */
  readonly told: readonly string[];
  /** Waits until exactly these objects are known. */
  has(...names: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

export interface FollowedOptions {
  readonly kubeconfig: string;
  /** Path of the list. */
  readonly path: string;
  readonly compareMs?: number;
  readonly idleMs?: number;
}

/**
 * Follows a kind as the adapter does. A connection is lost when a ping is not answered for half a second, instead of ten;
 * a kind is gone when it is missing for half a second, instead of thirty.
 */
export function startFollowing({ kubeconfig, path, compareMs = 3_600_000, idleMs }: FollowedOptions): Followed {
  const clock = systemClock;
  const source = createCredentials(async () => {
    const access = await findAccess({ kubeconfig });
    if (access === null) throw new Error(`${kubeconfig} names no cluster`);
    return access;
  }, clock);
  const deadlines = { pingMs: 200, pongMs: 500, connectMs: 2_000, timeoutMs: 5_000 };
  const client = createKubernetesClient(source, { clock, ...deadlines, ...(idleMs === undefined ? {} : { idleMs }) });
  const reflector = createReflector({ retry: { baseMs: 20, maxMs: 200 }, missingMs: 500 });
  const values = new Map<string, string>();
  const told: string[] = [];
  const abort = new AbortController();
  const following = follow(
    {
      client,
      clock,
      path,
      reflector,
      probeMs: 500,
      compareMs,
      changed(changes) {
        for (const change of changes) {
          if (change.type === 'removed') values.delete(change.metadata.name);
          else values.set(change.object.metadata.name, valueOf(change.object.data));
        }
      },
      relisted: (reason) => told.push(reason),
      differed: (objects) => told.push(`${objects} differed`),
    },
    abort.signal,
  );
  const names = () => [...values.keys()].sort();
  return {
    names,
    values: () => Object.fromEntries(values),
    trouble: () => reflector.trouble()?.type ?? null,
    isSettled: reflector.isSettled,
    told,
    async has(...wanted) {
      await eventually(() => String(names()) === String(wanted), { what: `the objects ${wanted.join(', ')}` });
    },
    async stop() {
      abort.abort();
      await following;
      client.close();
    },
  };
}

const valueOf = (data: unknown): string =>
  typeof data === 'object' && data !== null && 'value' in data ? String(data.value) : '';
