import { z } from 'zod';
import type { Clock } from '../lib/clock.ts';
import { sleep } from '../lib/sleep.ts';
import type { KubernetesClient } from './client.ts';
import { KubernetesError, unreachable } from './errors.ts';
import { asApiObject } from './object.ts';

export interface LeaseOptions {
  readonly client: KubernetesClient;
  /** Monotonic clock that begins at the time of day. */
  readonly clock: Clock;
  readonly namespace: string;
  readonly name: string;
  /** Identity of this candidate, different from that of every other. */
  readonly identity: string;
  /** Time after which others may take a lease that is not renewed. */
  readonly durationMs?: number;
  /** Called when this candidate becomes the leader. `signal` aborts when it is no longer. */
  readonly lead: (signal: AbortSignal) => Promise<void>;
  /** Called with every change of leadership, and with failures of the API server. */
  readonly report: (event: LeaseEvent) => void;
}

export type LeaseEvent =
  | { readonly type: 'acquired' }
  | { readonly type: 'lost' }
  | { readonly type: 'failed'; readonly message: string };

const leaseSchema = z.object({
  spec: z
    .object({
      holderIdentity: z.string().nullish(),
      leaseDurationSeconds: z.number().nullish(),
      renewTime: z.string().nullish(),
      acquireTime: z.string().nullish(),
      leaseTransitions: z.number().nullish(),
    })
    .prefault({}),
});

type LeaseSpec = z.infer<typeof leaseSchema>['spec'];

/** A lease as it was seen, with the time at which this version was first seen: clocks of machines are not compared. */
interface Seen {
  readonly object: object;
  readonly version: string;
  readonly spec: LeaseSpec;
  readonly sinceMs: number;
}

const defaultDurationMs = 15_000;

/**
 * Competes for a Lease until `signal` aborts, leads while it holds it, and then releases it. One candidate leads at a time
 * if clocks run at nearly equal speed: a leader that cannot renew stops after two thirds of the duration. Does not
 * reject. https://kubernetes.io/docs/concepts/architecture/leases/#leader-election
 */
export async function competeForLease(options: LeaseOptions, signal: AbortSignal): Promise<void> {
  const { clock, durationMs = defaultDurationMs, report } = options;
  const leadership = createLeadership(options);
  let seen: Seen | null = null;
  let lastFailure = '';
  while (!signal.aborted) {
    const startedAtMs = clock.now();
    try {
      seen = await look(options, seen);
      const isOurs = seen?.spec.holderIdentity === options.identity;
      if (isOurs || seen === null || isFree(seen, clock.now())) {
        seen = await write(options, seen, options.identity);
        leadership.renewed(startedAtMs);
      } else await leadership.lost();
      lastFailure = '';
    } catch (cause) {
      const { status, message } = unreachable(cause);
      const isLostRace = status === 409;
      if (!isLostRace && message !== lastFailure) report({ type: 'failed', message });
      lastFailure = isLostRace ? '' : message;
    }
    await sleep(clock, (durationMs / 7.5) * (1 + Math.random() / 4), signal);
  }
  const wasLeading = leadership.isLeading();
  await leadership.lost();
  if (wasLeading && seen !== null) await write(options, seen, '').catch(() => {}); // it expires anyway
}

/** Runs `lead` while the lease is renewed in time. */
function createLeadership({ clock, durationMs = defaultDurationMs, lead, report }: LeaseOptions) {
  let term: { readonly ending: AbortController; readonly ended: Promise<void> } | null = null;
  let cancel = () => {};

  const lost = async (): Promise<void> => {
    cancel();
    if (term === null) return;
    const { ending, ended } = term;
    term = null;
    ending.abort();
    report({ type: 'lost' });
    await ended;
  };
  return {
    isLeading: () => term !== null,
    lost,
    /** Notes a renewal that was begun at this time. */
    renewed(atMs: number): void {
      cancel();
      cancel = clock.after(Math.max(0, atMs + (durationMs * 2) / 3 - clock.now()), () => void lost());
      if (term !== null) return;
      const ending = new AbortController();
      report({ type: 'acquired' });
      const failed = (error: unknown) => report({ type: 'failed', message: unreachable(error).message });
      term = { ending, ended: lead(ending.signal).catch(failed) };
    },
  };
}

async function look({ client, clock, ...place }: LeaseOptions, before: Seen | null): Promise<Seen | null> {
  try {
    const answer = await client.request({ method: 'GET', path: pathOf(place), timeoutMs: requestMs });
    return seenIn(answer, before, clock.now());
  } catch (cause) {
    if (unreachable(cause).status === 404) return null;
    throw cause;
  }
}

/** Writes the holder on the condition that the lease is as it was seen. An empty holder releases it. */
async function write(options: LeaseOptions, seen: Seen | null, holder: string): Promise<Seen> {
  const { client, clock, namespace, name, durationMs = defaultDurationMs } = options;
  const now = new Date(clock.now()).toISOString().replace('Z', '000Z'); // MicroTime
  const isSame = seen?.spec.holderIdentity === holder;
  const spec = {
    holderIdentity: holder,
    leaseDurationSeconds: holder === '' ? 1 : Math.ceil(durationMs / 1_000),
    acquireTime: isSame ? (seen?.spec.acquireTime ?? now) : now,
    renewTime: now,
    leaseTransitions: (seen?.spec.leaseTransitions ?? 0) + (isSame || seen === null ? 0 : 1),
  };
  const made = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { namespace, name } };
  const request =
    seen === null
      ? { method: 'POST' as const, path: collectionOf(options), body: { ...made, spec } }
      : { method: 'PUT' as const, path: pathOf(options), body: { ...seen.object, spec } };
  return seenIn(await client.request({ ...request, timeoutMs: requestMs }), seen, clock.now());
}

function seenIn(answer: unknown, before: Seen | null, nowMs: number): Seen {
  const object = asApiObject(answer);
  const lease = leaseSchema.safeParse(answer);
  if (object === null || !lease.success) throw new KubernetesError('the answer is no Lease', { status: 0 });
  const version = object.metadata.resourceVersion ?? '';
  return { object, version, spec: lease.data.spec, sinceMs: before?.version === version ? before.sinceMs : nowMs };
}

/** Reports whether nobody holds the lease, or its holder has not renewed it for its duration. */
function isFree({ spec, sinceMs }: Seen, nowMs: number): boolean {
  const { holderIdentity, leaseDurationSeconds } = spec;
  if (holderIdentity == null || holderIdentity === '') return true;
  return nowMs - sinceMs > (leaseDurationSeconds ?? 0) * 1_000;
}

/** Time for each request. With the pause between attempts it is shorter than a leader may go without renewing. */
const requestMs = 5_000;

type Place = Pick<LeaseOptions, 'namespace' | 'name'>;

const collectionOf = ({ namespace }: Place): string =>
  `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/leases`;

const pathOf = (place: Place): string => `${collectionOf(place)}/${encodeURIComponent(place.name)}`;
