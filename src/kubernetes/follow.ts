import type { Clock } from '../lib/clock.ts';
import { sleep } from '../lib/sleep.ts';
import type { KubernetesClient, Selection } from './client.ts';
import { KubernetesError, unreachable } from './errors.ts';
import { isOlder, objectPath } from './object.ts';
import type { ClusterObjectChange, Reflector, RelistReason } from './reflector.ts';

export interface FollowOptions {
  readonly client: KubernetesClient;
  /** `/api/v1/pods`. */
  readonly path: string;
  readonly selection?: Selection;
  readonly reflector: Reflector;
  readonly clock: Clock;
  /** Interval of comparisons of the server's version with the received one, in milliseconds. */
  readonly probeMs: number;
  /** Interval of comparisons of the server's whole list with what is known. */
  readonly compareMs: number;
  /** Receives changes in order, and is called without any when the state of `reflector` may have changed. */
  readonly changed: (changes: readonly ClusterObjectChange[]) => void;
  readonly relisted: (reason: RelistReason) => void;
  /** Called with the number of objects for which the server's list differs from what was received. A new list follows. */
  readonly differed: (objects: number) => void;
}

/** Lists and watches one kind until `signal` aborts. It never gives up and does not reject. */
export async function follow(options: FollowOptions, signal: AbortSignal): Promise<void> {
  const { reflector, clock, changed } = options;
  const stop = checkAtIntervals(options, signal);
  while (!signal.aborted) {
    const step = reflector.next();
    try {
      if (step.type === 'wait') {
        await sleep(clock, step.ms, signal);
        reflector.waited();
      } else if (step.type === 'list') await list(options, signal);
      else await watch(options, step.resourceVersion, stop.begin(signal));
    } catch (cause) {
      if (signal.aborted) break;
      const error = unreachable(cause);
      if (error.reason !== relistReason) changed(reflector.failed(error, clock.now()));
    }
    for (const reason of reflector.takeRelists()) options.relisted(reason);
  }
  await stop.ended();
}

/** Reason with which a watch is ended for a new list. */
const relistReason = 'Relist';

async function list({ client, path, selection, reflector, changed }: FollowOptions, signal: AbortSignal) {
  for await (const page of client.list(path, { ...selection }, signal)) {
    if (signal.aborted) return; // while the page was on its way
    changed(reflector.listed(page));
  }
}

async function watch(options: FollowOptions, resourceVersion: string, signal: AbortSignal): Promise<void> {
  const { client, path, selection, reflector, changed } = options;
  for await (const events of client.watch(path, { ...selection, resourceVersion }, signal)) {
    if (signal.aborted) return;
    changed(reflector.received(events));
    if (reflector.next().type === 'list') return;
  }
  reflector.ended();
}

/** Checks beside the watch, and ends it when a new list is needed. */
function checkAtIntervals(options: FollowOptions, signal: AbortSignal) {
  const { reflector, clock, probeMs, compareMs } = options;
  let current = new AbortController();
  let running: Promise<void> = Promise.resolve();
  let comparedAtMs = Number.NEGATIVE_INFINITY;
  let cancel = () => {};

  const compareNext = () => {
    comparedAtMs = Number.NEGATIVE_INFINITY;
  };

  async function check(): Promise<void> {
    // Failures of checks are those of the watch, which reports them.
    if (clock.now() - comparedAtMs < compareMs) await probe(options, signal).catch(() => {});
    else {
      comparedAtMs = clock.now();
      await compare(options, signal).catch(compareNext);
    }
    if (signal.aborted) return;
    if (reflector.next().type === 'list') current.abort(new KubernetesError('', { status: 0, reason: relistReason }));
    later();
  }
  function later(): void {
    cancel = clock.after(Math.min(probeMs, compareMs), () => {
      running = reflector.next().type === 'watch' ? check() : Promise.resolve(later());
    });
  }
  later();
  return {
    /**
     * Returns the signal of a new watch, and makes the next check a comparison: a server that was lost may come back with
     * an older etcd, which may have grown beyond the received version by then, so that versions alone do not tell.
     */
    begin(outer: AbortSignal): AbortSignal {
      compareNext();
      current = new AbortController();
      return AbortSignal.any([outer, current.signal]);
    },
    async ended(): Promise<void> {
      cancel();
      await running;
    },
  };
}

/**
 * Compares versions. An etcd that was restored from a backup continues at an older one: a watch would then wait in silence
 * until the history has grown beyond the version that it began at.
 */
async function probe({ client, path, selection, reflector }: FollowOptions, signal: AbortSignal): Promise<void> {
  const since = reflector.version();
  for await (const page of client.list(path, { ...selection, limit: 1, metadataOnly: true }, signal)) {
    reflector.probed(page.resourceVersion, since);
    return;
  }
}

/** Compares the server's list with what is known. What differs twice, with time for the watch in between, is lost. */
async function compare(options: FollowOptions, signal: AbortSignal): Promise<void> {
  const first = await differences(options, signal);
  if (first.size === 0) return;
  await sleep(options.clock, 2_000, signal);
  const second = await differences(options, signal);
  const lost = [...first].filter(([path, version]) => second.get(path) === version).length;
  if (lost === 0) return;
  options.differed(lost);
  options.reflector.differs();
}

/** Returns the paths whose versions differ, each with both versions. */
async function differences(
  { client, path, selection, reflector }: FollowOptions,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const since = reflector.version();
  const listed = new Map<string, string>();
  let at = '';
  for await (const page of client.list(path, { ...selection, limit: 500, metadataOnly: true }, signal)) {
    for (const { metadata } of page.items) listed.set(objectPath(metadata), metadata.resourceVersion ?? '');
    at = page.resourceVersion;
  }
  const found = new Map<string, string>();
  if (reflector.probed(at, since)) return found;
  const known = reflector.known();
  // An own version after the list's comes from a later event. One that is older and yet not listed is wrong.
  for (const [one, version] of listed) {
    const own = known.get(one)?.version ?? '';
    if (own !== version && !isOlder(at, own)) found.set(one, `${own} ${version}`);
  }
  for (const [one, { version }] of known) {
    if (!listed.has(one) && !isOlder(at, version)) found.set(one, `${version} -`);
  }
  return found;
}
