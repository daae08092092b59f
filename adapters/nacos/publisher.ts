import type { ShardChange, ShardContents, ShardSink } from '../../src/adapter-contract/adapter.ts';
import type { Logger } from '../../src/lib/logger.ts';
import type { BookEntry } from './book.ts';
import type { NacosView } from './view.ts';

/** Writes translated services into the shard, the first ones together. */
export interface NacosPublisher {
  update(entries: ReadonlyMap<string, BookEntry | null>): void;
  /** Writes changes of rules. */
  apply(changes: readonly ShardChange[]): void;
  /** Reports everything that is wrong with an entry; nothing if it is valid now. */
  report(origin: string, messages: readonly string[]): void;
  /** Notes that a namespace was read once, or is not to be waited for. */
  settled(namespace: string): void;
  lost(namespace: string, reason: string): void;
  recovered(namespace: string): void;
  problem(origin: string, message: string | null): void;
  /** Translates services again, because the addresses of host names in them changed. */
  translateAgain(keys: readonly string[]): void;
}

export function createNacosPublisher(options: {
  readonly view: NacosView;
  readonly sink: ShardSink;
  readonly log: Logger;
  /** Namespaces, and other parts, that are awaited before the first listing is written. */
  readonly awaited: readonly string[];
  /** Reports whether a listing would be incomplete yet. `translateAgain` is called when it may no longer be. */
  readonly isPending: () => boolean;
}): NacosPublisher {
  const { view, sink, log } = options;
  const awaited = new Set(options.awaited);
  const troubles = new Map<string, string>();
  const problems = new Map<string, readonly string[]>();
  /** Changes before the first complete listing. */
  let first: ShardChange[] | null = [];

  function report(origin: string, messages: readonly string[]): void {
    const former = problems.get(origin) ?? [];
    if (former.length === messages.length && former.every((message, index) => message === messages[index])) return;
    if (messages.length === 0) problems.delete(origin);
    else problems.set(origin, messages);
    for (const reason of messages.filter((message) => !former.includes(message))) {
      log.warn({ origin, reason }, 'entry left out');
    }
    if (first !== null) return;
    sink.resolved(origin);
    for (const message of messages) sink.problem(origin, message);
  }

  function update(entries: ReadonlyMap<string, BookEntry | null>): void {
    const changes = [...entries].flatMap(([key, entry]) => {
      const updated = view.update(key, entry);
      report(key, updated.faults);
      return updated.changes;
    });
    apply(changes);
  }

  function apply(changes: readonly ShardChange[]): void {
    if (first !== null) first.push(...changes);
    else if (changes.length > 0) sink.apply(changes);
  }

  /** Writes the first listing once all namespaces were read. */
  function writeListing(): void {
    if (first === null || awaited.size > 0 || options.isPending()) return;
    sink.replace(contentsOf(first));
    first = null;
    for (const [origin, messages] of problems) for (const message of messages) sink.problem(origin, message);
    judge();
  }

  function judge(): void {
    const [trouble] = troubles.values();
    if (trouble !== undefined) sink.degraded(trouble);
    else if (first === null) sink.recovered();
  }

  return {
    update,
    apply,
    report,
    settled(namespace) {
      awaited.delete(namespace);
      writeListing();
    },
    lost(namespace, reason) {
      troubles.set(namespace, reason);
      judge();
    },
    recovered(namespace) {
      if (troubles.delete(namespace)) judge();
    },
    problem: (origin, message) => report(`${origin} (access)`, message === null ? [] : [message]),
    translateAgain(keys) {
      update(view.entriesOf(keys));
      writeListing();
    },
  };
}

/** Merges changes since an empty state into a listing. */
function contentsOf(changes: readonly ShardChange[]): ShardContents {
  const services = new Map<string, Extract<ShardChange, { type: 'service' }>['service']>();
  const endpoints = new Map<string, Extract<ShardChange, { type: 'endpoints' }>['set']>();
  const objects = new Map<string, Extract<ShardChange, { type: 'object' }>['object']>();
  for (const change of changes) {
    if (change.type === 'object') objects.set(objectIdOf(change.object.kind, change.object.metadata), change.object);
    else if (change.type === 'object-removed') objects.delete(objectIdOf(change.kind, change));
    else if (change.type === 'service')
      services.set(`${change.service.namespace}/${change.service.hostname}`, change.service);
    else if (change.type === 'endpoints') endpoints.set(`${change.set.namespace}/${change.set.hostname}`, change.set);
    else if (change.type === 'service-removed') {
      services.delete(`${change.namespace}/${change.hostname}`);
      endpoints.delete(`${change.namespace}/${change.hostname}`);
    }
  }
  return {
    services: [...services.values()],
    endpoints: [...endpoints.values()],
    workloads: [],
    objects: [...objects.values()],
  };
}

const objectIdOf = (kind: string, { namespace, name }: { readonly namespace: string; readonly name: string }): string =>
  `${kind}/${namespace}/${name}`;
