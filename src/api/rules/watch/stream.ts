import type { ServerResponse } from 'node:http';
import type { Clock } from '../../../lib/clock.ts';
import type { RuleKind } from '../../../rules/rule.ts';
import type { ObjectKey, RuleStore, StoreChange, StoredObject } from '../../../rules/store.ts';
import { failure } from '../../status.ts';
import type { Turn } from '../../turns.ts';
import type { EventSubject, EventType, EventWriter } from './events.ts';
import type { StatusLog } from './status-log.ts';

export interface WatchStreamOptions {
  readonly response: ServerResponse;
  readonly kind: RuleKind;
  /** Namespace of the watch; null for all namespaces. */
  readonly namespace: string | null;
  /** Evaluates the selectors of the request. */
  readonly matches: (object: StoredObject) => boolean;
  readonly store: Pick<RuleStore, 'get' | 'changesSince'>;
  readonly statusLog: StatusLog;
  readonly events: EventWriter;
  readonly clock: Clock;
  /** Turns shared by all watches. */
  readonly turn: Turn;
  /** Objects sent first, as ADDED, if they match the watch. Not copied: watches share the list of the store. */
  readonly initial: readonly StoredObject[];
  /** Requests a bookmark after `initial`. */
  readonly markInitialEnd: boolean;
  /** Versions and positions after which changes are sent. */
  readonly resourceVersion: string;
  readonly statusPosition: number;
  readonly bookmarks: boolean;
  readonly timeoutMs: number;
}

const bookmarkMs = 60_000;
/** Time limit for the last bytes to a slow client. */
const flushMs = 5_000;
/** Changes examined or objects sent per turn. */
const turnItems = 100;
/** Characters written per turn, unless one object is bigger. It bounds the memory of a client that does not read. */
const turnLength = 64 * 1024;

/**
 * Watch of one client. It keeps no queue, only positions in the store's change log and in the status log. It reads on
 * when the socket has accepted the previous write. A slow client costs one position, until the change log has dropped
 * that position.
 */
export class WatchStream {
  readonly #options: WatchStreamOptions;
  #resourceVersion: string;
  #statusPosition: number;
  #isBookmarkDue = false;
  #isEnding = false;
  /** Set when something changed since the last read of the logs. */
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

  /** Wakes the stream, because there may be changes. */
  wake(): void {
    this.#isWoken = true;
    this.#resume?.();
  }

  /** Sends the remaining changes and ends the answer properly. */
  end(): void {
    this.#isEnding = true;
    this.wake();
  }

  /** Sends events until the client disconnects, time is over, its log position is lost or `end` is called. */
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
        connection: 'close', // a closing server would otherwise keep an idle connection
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
    for (let sent = 0; sent < initial.length && (await this.#isWritable()); ) {
      await turn();
      sent += this.#send(initial, sent, added);
    }
    if (markInitialEnd && (await this.#isWritable())) this.#write(events.bookmark(this.#resourceVersion, true));
  }

  async #follow(): Promise<void> {
    while (await this.#isWritable()) {
      await this.#options.turn();
      this.#isWoken = false;
      const changes = this.#options.store.changesSince(this.#resourceVersion, this.kind);
      if (changes === null) {
        this.#write(this.#options.events.error(expired(this.#resourceVersion)));
        return;
      }
      if (this.#send(changes, 0, (change) => this.#change(change)) < changes.length) continue;
      if (await this.#sendStatuses()) continue;
      if (this.#isBookmarkDue || (this.#isEnding && this.#options.bookmarks)) {
        this.#isBookmarkDue = false;
        this.#write(this.#options.events.bookmark(this.#resourceVersion, false));
      }
      if (this.#isEnding) return;
      await this.#woken();
    }
  }

  /** Writes the events of one turn and returns their number. */
  #send<Item>(items: readonly Item[], from: number, eventOf: (item: Item) => string): number {
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

  /**
   * Returns the event of a change. An object that stops matching the selectors is DELETED; one that starts to is ADDED.
   */
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

  /** Sends status changes and reports whether more may follow. */
  async #sendStatuses(): Promise<boolean> {
    const { statusLog, store, events, kind } = this.#options;
    const entries = statusLog.after(this.#statusPosition, turnItems);
    let text = '';
    for (const { id, sequence, presence } of entries) {
      if (text.length >= turnLength) break;
      this.#statusPosition = sequence;
      if (!id.startsWith(`${kind.kind}/`)) continue;
      const object = await store.get(keyOf(id));
      if (object === null && presence?.type === 'removed' && this.#isWatched(presence.before)) {
        text += events.change('DELETED', { object: presence.before, cause: causeOf(presence.before, sequence) });
      }
      // The change log reports a newer object, with its status at that moment.
      if (object === null || !this.#isWatched(object) || isNewer(object, this.#resourceVersion)) continue;
      text += events.change(presence?.type === 'added' ? 'ADDED' : 'MODIFIED', {
        object,
        cause: causeOf(object, sequence),
      });
    }
    this.#write(text);
    return entries.length === turnItems || text.length >= turnLength;
  }

  #isWatched(object: StoredObject): boolean {
    const { kind, namespace, matches } = this.#options;
    if (object.kind !== kind.kind || (namespace !== null && object.metadata.namespace !== namespace)) return false;
    return matches(object);
  }

  /**
   * Waits until the socket accepts data. Returns false if the client is gone, or if the stream is ending and cannot
   * wait.
   */
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

/** Compares versions, which are numbers of one counter. */
const isNewer = ({ metadata }: StoredObject, version: string): boolean =>
  Number(metadata.resourceVersion) > Number(version);

function keyOf(id: string): ObjectKey {
  const [kind = '', namespace = '', name = ''] = id.split('/');
  return { kind, namespace, name };
}

const expired = (version: string) =>
  failure('Expired', `resourceVersion ${version} is too old, or of another store: list again and watch from there`);
