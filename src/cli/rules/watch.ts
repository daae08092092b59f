import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from '../../lib/backoff.ts';
import { MeshError } from '../../lib/errors.ts';
import type { CommandContext } from '../command.ts';
import { isMap, readFailure, ServerError, text } from './answer.ts';
import type { ApiClient } from './client.ts';
import { type ServedKind, urlOf } from './kinds.ts';
import { linesOf } from './lines.ts';
import { tableAccept } from './table.ts';
import { createWatchPrinter, type PrintedEvent, type WatchFormat } from './watch-printer.ts';

export interface WatchTargetOptions {
  readonly client: ApiClient;
  readonly kind: ServedKind;
  /** Namespace; null for all. */
  readonly namespace: string | null;
  readonly selector: string | null;
  /** Name; null for all objects of the kind. */
  readonly name: string | null;
  readonly format: WatchFormat;
  readonly context: CommandContext;
  readonly stop: AbortSignal;
}

/** Progress of a watch. */
interface Progress {
  /** Version to continue from; null to list everything. */
  position: string | null;
  /** Versions of the objects shown, by namespace and name. */
  readonly shown: Map<string, string>;
  /** Number of consecutive attempts without an event. */
  attempt: number;
}

/**
 * Prints all objects, then each change, until `stop` aborts. An ended watch continues at its last version. If the
 * server no longer has that version, everything is listed again and differences are printed.
 */
export async function watchTarget(options: WatchTargetOptions): Promise<void> {
  const { stop, context } = options;
  const print = createWatchPrinter(options);
  const progress: Progress = { position: null, shown: new Map(), attempt: 0 };
  let isFirst = true;
  while (!stop.aborted) {
    try {
      if (progress.position === null) await listAll(options, progress, print);
      isFirst = false;
      await follow(options, progress, print);
    } catch (error) {
      if (stop.aborted) return;
      if (isFirst || !isRetryable(error)) throw error;
      if (isExpired(error)) progress.position = null;
      else if (progress.attempt === 1)
        context.printError(`the watch was interrupted, and is tried again: ${messageOf(error)}`);
    }
    const pause = progress.attempt === 0 ? 0 : backoffMs(progress.attempt - 1, { baseMs: 200, maxMs: 10_000 });
    await delay(pause, undefined, { signal: stop }).catch(() => {}); // rejects only on abort
  }
}

type Print = (event: PrintedEvent) => Promise<void>;

/** Prints the objects that are new, changed or deleted since they were last shown. */
async function listAll(options: WatchTargetOptions, progress: Progress, print: Print): Promise<void> {
  const { client } = options;
  const answer = await client.send({ ...requestOf(options), query: queryOf(options), signal: options.stop });
  const list = isMap(answer) ? answer : {};
  const items = itemsOf(list);
  const gone = new Set(progress.shown.keys());
  await print({ type: 'LIST', object: list });
  for (const item of items) {
    const { key, resourceVersion } = identityOf(item);
    gone.delete(key);
    const before = progress.shown.get(key);
    progress.shown.set(key, resourceVersion);
    if (before === undefined || before !== resourceVersion) {
      await print({ type: before === undefined ? 'ADDED' : 'MODIFIED', object: withItem(list, item) });
    }
  }
  for (const key of gone) {
    progress.shown.delete(key);
    options.context.printError(`deleted meanwhile: ${key}`);
  }
  progress.position = isMap(list.metadata) ? text(list.metadata.resourceVersion) : '';
}

/** Prints events until the watch ends for any reason. */
async function follow(options: WatchTargetOptions, progress: Progress, print: Print): Promise<void> {
  const { client, stop } = options;
  progress.attempt++;
  const query = {
    ...queryOf(options),
    watch: 'true',
    allowWatchBookmarks: 'true',
    resourceVersion: progress.position,
  };
  const chunks = await client.stream({ ...requestOf(options), query, pauseMs: null, signal: stop });
  for await (const line of linesOf(chunks)) {
    const event = readEvent(line, client);
    if (event.type === 'ERROR') throw readFailure(Number(event.object.code), event.object) ?? strange(client, line);
    progress.attempt = 0;
    const [item = event.object] = itemsOf(event.object);
    const { key, resourceVersion } = identityOf(item);
    progress.position = later(progress.position, resourceVersion || versionOf(event.object));
    if (event.type === 'BOOKMARK') continue;
    if (event.type === 'DELETED') progress.shown.delete(key);
    else progress.shown.set(key, resourceVersion);
    await print(event);
  }
}

const requestOf = ({ kind, namespace, format }: WatchTargetOptions) => ({
  path: urlOf(kind, { namespace, name: null }),
  accept: format === 'table' || format === 'wide' ? tableAccept : 'application/json',
});

const queryOf = ({ selector, name }: WatchTargetOptions) => ({
  labelSelector: selector,
  fieldSelector: name === null ? null : `metadata.name=${name}`,
});

/** Returns the rows of a table or the items of a list; none for an object. */
function itemsOf(list: Record<string, unknown>): readonly Record<string, unknown>[] {
  const items = list.kind === 'Table' ? list.rows : list.items;
  return Array.isArray(items) ? items.filter(isMap) : [];
}

/** Converts an item to the form of an event: a table of one row, or the object. */
function withItem(list: Record<string, unknown>, item: Record<string, unknown>): Record<string, unknown> {
  return list.kind === 'Table' ? { ...list, rows: [item] } : { apiVersion: list.apiVersion, ...item };
}

function identityOf(item: Record<string, unknown>): { key: string; resourceVersion: string } {
  const object = isMap(item.object) ? item.object : item;
  const metadata = isMap(object.metadata) ? object.metadata : {};
  const key = [metadata.namespace, metadata.name].map(text).filter(Boolean).join('/');
  return { key, resourceVersion: text(metadata.resourceVersion) };
}

const versionOf = ({ metadata }: Record<string, unknown>): string =>
  isMap(metadata) ? text(metadata.resourceVersion) : '';

/**
 * Returns the later version. A status change carries the older version of its object, so the position must not move
 * back.
 */
function later(a: string | null, b: string): string | null {
  if (a === null || !/^\d+$/.test(a)) return b === '' ? a : b;
  return /^\d+$/.test(b) && BigInt(b) > BigInt(a) ? b : a;
}

function readEvent(line: string, client: ApiClient): PrintedEvent {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch {
    throw strange(client, line);
  }
  if (!isMap(event) || !isMap(event.object)) throw strange(client, line);
  return { type: text(event.type), object: event.object };
}

const strange = ({ server }: ApiClient, line: string): MeshError =>
  new MeshError('SERVER_FAILED', `${server} sent an invalid event: ${JSON.stringify(line.slice(0, 60))}`);

/** Reports whether the server no longer has the version to continue from. */
const isExpired = (error: unknown): boolean => error instanceof ServerError && error.status === 410;

/** Reports whether a retry may succeed. */
function isRetryable(error: unknown): boolean {
  if (isExpired(error)) return true;
  return error instanceof MeshError && (error.code === 'SERVER_UNREACHABLE' || error.code === 'SERVER_FAILED');
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
