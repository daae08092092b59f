import type { ServerResponse } from 'node:http';
import type { Clock } from '../../../lib/clock.ts';
import type { RuleKind } from '../../../rules/rule.ts';
import type { ObjectKey, RuleStore, StoreChange, StoredObject } from '../../../rules/store/store.ts';
import { failure } from '../../status.ts';
import type { Turn } from '../../turns.ts';
import type { EventSubject, EventType, EventWriter } from './events.ts';
import type { StatusLog } from './status-log.ts';

export interface WatchStreamOptions {
  readonly response: ServerResponse;
  readonly kind: RuleKind;
  /** Null: of all namespaces. */
  readonly namespace: string | null;
  /** The selectors of the request. */
  readonly matches: (object: StoredObject) => boolean;
  readonly store: Pick<RuleStore, 'get' | 'changesSince'>;
  readonly statusLog: StatusLog;
  readonly events: EventWriter;
  readonly clock: Clock;
  /** Of all watches together. */
  readonly turn: Turn;
  /** What is told first, each as ADDED, as far as it is watched. Not copied: watches share a store's list. */
  readonly initial: readonly StoredObject[];
  /** Whether a bookmark tells that `initial` is complete. */
  readonly markInitialEnd: boolean;
  /** Changes after these positions are told. */
  readonly resourceVersion: string;
  readonly statusPosition: number;
  readonly bookmarks: boolean;
  readonly timeoutMs: number;
}

const bookmarkMs = 60_000;
/** How long the last bytes may take to a client that reads slowly. */
const flushMs = 5_000;
/** How many changes are looked at, or objects told, at a time. */
const turnItems = 100;
/** How much is written at a time, but for one big object: what a client that does not read has waiting for it. */
const turnLength = 64 * 1024;

/**
 * One watch. It keeps positions in the store's log of changes and in the log of statuses, and no queue: it reads on
 * when the socket has taken what was written. So a slow client costs a position, until it falls off the store's log.
 */
export class WatchStream {
  readonly #options: WatchStreamOptions;
  #resourceVersion: string;
  #statusPosition: number;
  #isBookmarkDue = false;
  #isEnding = false;
  /** Something happened since the stream last looked. */
  #isWoken = false;
  #resume: (() => void) | null = null;

  constructor(options: WatchStreamOptions) {
    this.#options = options;
    this.#resourceVersion = options.resourceVersion;
    this.#statusPosition = options.statusPosition;
  }

  get kind(): string {
    return this.#options.kind.kind;
  }

  /** There may be something to tell. */
  wake(): void {
    this.#isWoken = true;
    this.#resume?.();
  }

  /** Tells what is left to tell of the position, and ends the answer as it should end. */
  end(): void {
    this.#isEnding = true;
    this.wake();
  }

  /** Answers until the client goes, the time is over, the log of changes is lost, or `end` is called. */
  async run(): Promise<void> {
    const { response, clock, timeoutMs } = this.#options;
    const wake = () => this.wake();
    for (const event of ['drain', 'close', 'error']) response.on(event, wake);
    const cancelTimeout = clock.after(timeoutMs, () => this.end());
    const cancelBookmarks = this.#everyMinute();
    try {
      response.writeHead(200, {
        'content-type': 'application/json',
        'cache-control': 'no-cache, private',
        connection: 'close', // so that a stop of the server leaves no idle connection behind
      });
      response.flushHeaders();
      await this.#tellInitial();
      await this.#follow();
    } finally {
      cancelTimeout();
      cancelBookmarks();
    }
    if (response.destroyed) return;
    const cancelFlush = clock.after(flushMs, () => response.destroy());
    response.once('close', cancelFlush);
    response.end();
  }

  async #tellInitial(): Promise<void> {
    const { initial, events, markInitialEnd, turn } = this.#options;
    const added = (object: StoredObject) =>
      this.#isWatched(object) ? events.change('ADDED', { object, cause: causeOf(object, this.#statusPosition) }) : '';
    for (let told = 0; told < initial.length && (await this.#isWritable()); ) {
      await turn();
      told += this.#tell(initial, told, added);
    }
    if (markInitialEnd && (await this.#isWritable())) this.#write(events.bookmark(this.#resourceVersion, true));
  }

  async #follow(): Promise<void> {
    while (await this.#isWritable()) {
      await this.#options.turn();
      this.#isWoken = false;
      const changes = this.#options.store.changesSince(this.#resourceVersion);
      if (changes === null) {
        this.#write(this.#options.events.error(expired(this.#resourceVersion)));
        return;
      }
      if (this.#tell(changes, 0, (change) => this.#change(change)) < changes.length) continue;
      if (await this.#tellStatuses()) continue;
      if (this.#isBookmarkDue || (this.#isEnding && this.#options.bookmarks)) {
        this.#isBookmarkDue = false;
        this.#write(this.#options.events.bookmark(this.#resourceVersion, false));
      }
      if (this.#isEnding) return;
      await this.#woken();
    }
  }

  /** Writes as much as one turn may, and answers with how many items that was. */
  #tell<Item>(items: readonly Item[], from: number, eventOf: (item: Item) => string): number {
    let [text, count] = ['', 0];
    for (const item of items.slice(from, from + turnItems)) {
      if (text.length >= turnLength) break;
      text += eventOf(item);
      count++;
    }
    this.#write(text);
    return count;
  }

  #change(change: StoreChange): string {
    const event = this.#eventOf(change);
    this.#resourceVersion = versionOf(change);
    return event === null ? '' : this.#options.events.change(event.type, event);
  }

  /** What a change is to this watch: an object that its selectors no longer choose is gone, and the other way round. */
  #eventOf(change: StoreChange): ({ readonly type: EventType } & EventSubject) | null {
    const version = versionOf(change);
    const cause = `${version}/${this.#options.statusLog.end}`;
    if (change.type === 'removed') {
      return this.#isWatched(change.object) ? { type: 'DELETED', object: at(change.object, version), cause } : null;
    }
    const { object, previous } = change;
    const before = previous !== null && this.#isWatched(previous) ? previous : null;
    if (this.#isWatched(object)) return { type: before === null ? 'ADDED' : 'MODIFIED', object, cause };
    return before === null ? null : { type: 'DELETED', object: at(before, version), cause };
  }

  /** Answers with whether there may be more. */
  async #tellStatuses(): Promise<boolean> {
    const { statusLog, store, events, kind } = this.#options;
    const entries = statusLog.after(this.#statusPosition, turnItems);
    let text = '';
    for (const { id, sequence, news } of entries) {
      if (text.length >= turnLength) break;
      this.#statusPosition = sequence;
      if (!id.startsWith(`${kind.kind}/`)) continue;
      const object = await store.get(keyOf(id));
      if (object === null && news?.type === 'went' && this.#isWatched(news.before)) {
        text += events.change('DELETED', { object: news.before, cause: causeOf(news.before, sequence) });
      }
      // What the log of changes has not told yet is told from there, with the status of that moment.
      if (object === null || !this.#isWatched(object) || isNewer(object, this.#resourceVersion)) continue;
      text += events.change(news?.type === 'came' ? 'ADDED' : 'MODIFIED', { object, cause: causeOf(object, sequence) });
    }
    this.#write(text);
    return entries.length === turnItems || text.length >= turnLength;
  }

  #isWatched(object: StoredObject): boolean {
    const { kind, namespace, matches } = this.#options;
    if (object.kind !== kind.kind || (namespace !== null && object.metadata.namespace !== namespace)) return false;
    return matches(object);
  }

  /** Waits until the socket takes more. False: there is nobody to write to, or the end cannot wait for it. */
  async #isWritable(): Promise<boolean> {
    const { response } = this.#options;
    while (!response.destroyed && response.writableNeedDrain) {
      if (this.#isEnding) return false;
      this.#isWoken = false;
      await this.#woken();
    }
    return !response.destroyed;
  }

  async #woken(): Promise<void> {
    if (this.#isWoken) return;
    await new Promise<void>((resolve) => {
      this.#resume = resolve;
    });
    this.#resume = null;
  }

  #write(text: string): void {
    if (text !== '') this.#options.response.write(text);
  }

  #everyMinute(): () => void {
    const { clock, bookmarks } = this.#options;
    if (!bookmarks) return () => {};
    let cancel = () => {};
    const schedule = () => {
      cancel = clock.after(bookmarkMs, () => {
        this.#isBookmarkDue = true;
        this.wake();
        schedule();
      });
    };
    schedule();
    return () => cancel();
  }
}

const causeOf = ({ metadata }: StoredObject, status: number): string => `${metadata.resourceVersion}/${status}`;

const versionOf = (change: StoreChange): string =>
  change.type === 'put' ? change.object.metadata.resourceVersion : change.resourceVersion;

const at = (object: StoredObject, resourceVersion: string): StoredObject => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion },
});

/** Versions of one store are numbers of one counter. */
const isNewer = ({ metadata }: StoredObject, version: string): boolean =>
  Number(metadata.resourceVersion) > Number(version);

function keyOf(id: string): ObjectKey {
  const [kind = '', namespace = '', name = ''] = id.split('/');
  return { kind, namespace, name };
}

const expired = (version: string) =>
  failure('Expired', `resourceVersion ${version} is too old, or of another store: list again and watch from there`);
