import { isDeepStrictEqual } from 'node:util';
import type { KubernetesClient } from '../../kubernetes/client.ts';
import { unreachable } from '../../kubernetes/errors.ts';
import { asApiObject } from '../../kubernetes/object.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import { sleep } from '../../lib/sleep.ts';
import { type RuleId, type RuleKind, ruleId } from '../../rules/rule.ts';
import type { RuleStatuses } from '../../rules/status.ts';
import type { ObjectKey, RuleStore, StoredObject } from '../../rules/store.ts';
import { isNotFound } from './failure.ts';
import { type StoredKind, storedKinds, storedObjectPath } from './kinds.ts';
import { isSameState, statusIn, type WrittenStatus, writtenStatus } from './written-status.ts';

export interface StatusWriterOptions {
  readonly client: KubernetesClient;
  readonly kinds: readonly RuleKind[];
  readonly store: Pick<RuleStore, 'get' | 'list' | 'subscribe'>;
  readonly statuses: RuleStatuses;
  readonly clock: Clock;
  readonly log: Logger;
  /** Name of this replica, whose proxies the status tells of. */
  readonly identity: string;
  /** Shortest time between two writes of one object's status. */
  readonly periodMs?: number;
  /** Shortest time between two writes where only counts and messages differ. */
  readonly detailPeriodMs?: number;
}

/** Status that was written or found in the cluster, and when. */
interface LastWrite {
  readonly status: WrittenStatus;
  readonly atMs: number;
}

/** Interval of rounds: statuses change at most once a second. */
const roundMs = 1_000;
/** Writes in a round. All replicas of a cluster together write so many, as one of them leads. */
const writesPerRound = 20;

/**
 * Writes the statuses of all objects to the cluster, until `signal` aborts. Objects whose status changes wait in a queue
 * without duplicates; what is written is the status at that time. Does not reject.
 */
export async function writeStatuses(options: StatusWriterOptions, signal: AbortSignal): Promise<void> {
  const { store, statuses, clock, log, periodMs = 10_000, detailPeriodMs = 60_000 } = options;
  const kinds = new Map(
    storedKinds(options.kinds).flatMap((kind) => (kind.isReadOnly ? [] : [[kind.kind, kind] as const])),
  );
  const due = new Map<RuleId, ObjectKey>();
  const written = new Map<RuleId, LastWrite>();

  const ask = ({ kind, metadata: { namespace, name } }: Pick<StoredObject, 'kind' | 'metadata'>) => {
    if (kinds.has(kind)) due.set(ruleId({ kind, metadata: { namespace, name } }), { kind, namespace, name });
  };
  const stops = [
    // All objects at first: an earlier leader may have left them behind.
    store.subscribe((changes) => {
      for (const change of changes) {
        if (change.type === 'removed') written.delete(ruleId({ kind: change.key.kind, metadata: change.key }));
        else if (change.previous?.metadata.generation !== change.object.metadata.generation) ask(change.object);
      }
    }),
    statuses.subscribe((ids) => {
      for (const id of ids) {
        const [kind = '', namespace = '', name = ''] = id.split('/');
        if (kinds.has(kind)) due.set(id, { kind, namespace, name });
      }
    }),
  ];

  /** Reports whether something was asked of the server. What cannot be written yet stays due. */
  const one = async (id: RuleId, kind: StoredKind, object: StoredObject): Promise<boolean> => {
    const wanted = writtenStatus(statuses.of(object), options.identity);
    const before = written.get(id);
    if (before !== undefined && isDeepStrictEqual(before.status, wanted)) {
      due.delete(id);
      return false;
    }
    const waited = clock.now() - (before?.atMs ?? Number.NEGATIVE_INFINITY);
    const needed = before !== undefined && isSameState(before.status, wanted) ? detailPeriodMs : periodMs;
    if (waited < needed) return false;
    const outcome = await write(kind, object, { ...options, wanted });
    if (outcome !== 'changed') due.delete(id);
    if (outcome === 'written') written.set(id, { status: wanted, atMs: clock.now() });
    else written.delete(id);
    return true;
  };

  const round = async (): Promise<void> => {
    let count = 0;
    for (const [id, key] of [...due]) {
      if (signal.aborted || count === writesPerRound) return;
      const [kind, object] = [kinds.get(key.kind), await store.get(key)];
      if (kind === undefined || object === null) due.delete(id);
      else if (await one(id, kind, object)) count++;
    }
  };

  let lastFailure = '';
  while (!signal.aborted) {
    try {
      await round();
      lastFailure = '';
    } catch (cause) {
      const { message } = unreachable(cause);
      if (message !== lastFailure) log.warn({ reason: message }, 'statuses of rules not written');
      lastFailure = message;
    }
    await sleep(clock, roundMs, signal);
  }
  for (const stop of stops) stop();
}

/** Writes one status unless the cluster has it already. `changed`: the object is not as it was read. */
async function write(
  kind: StoredKind,
  object: StoredObject,
  { client, wanted }: StatusWriterOptions & { readonly wanted: WrittenStatus },
): Promise<'written' | 'changed' | 'gone'> {
  const path = storedObjectPath(kind, object.metadata);
  try {
    const current = asApiObject(await client.request({ method: 'GET', path }));
    if (current === null || current.metadata.uid !== object.metadata.uid) return 'gone';
    const { status, isSame } = statusIn(current.status, wanted);
    if (isSame) return 'written';
    await client.request({
      method: 'PATCH',
      path: `${path}/status?fieldManager=binnacle-status`,
      contentType: 'application/merge-patch+json',
      body: { metadata: { resourceVersion: current.metadata.resourceVersion }, status },
    });
    return 'written';
  } catch (cause) {
    const error = unreachable(cause);
    if (error.status === 409) return 'changed';
    if (isNotFound(error)) return 'gone';
    throw cause;
  }
}
