import { type EncodedResource, recordParts, type XdsType } from '../proto/resource.ts';
import { joinSmall } from './parts.ts';

/** Counts flushes over all tables: a change of several tables in one flush has one revision. 0 is before everything. */
export type Revision = number;

export interface Entry {
  readonly resource: EncodedResource;
  /** The first revision from which a reader may know the name: of its first appearance, as far as that is remembered. */
  readonly created: Revision;
  /** The revision in which the name appeared last: later than `created` if it was away meanwhile. */
  readonly appeared: Revision;
  /** The revision in which its content changed last. */
  readonly changed: Revision;
}

/** A name that is gone. */
interface Tombstone {
  readonly removed: Revision;
  readonly created: Revision;
  /** The last bytes, null once the budget for old bytes is used up. */
  resource: EncodedResource | null;
}

interface LogRecord {
  readonly revision: Revision;
  /** What each name of this flush was before; null: it was not there. The bytes are dropped (names stay) over budget. */
  readonly previous: Map<string, EncodedResource | null>;
  bytes: number;
  /** Whether it was over budget: null says nothing then. */
  isDropped: boolean;
}

/** What happened between two revisions, to the names of one table. */
export interface TableDifference {
  /** Names whose content is new or other than it was. */
  readonly changed: readonly string[];
  /**
   * Names that are gone, with the bytes that they had for the reader; the last ones, or null, where that is forgotten. Null
   * also for what came and went since, and had been there before.
   */
  readonly removed: ReadonlyMap<string, EncodedResource | null>;
}

export interface TableLimits {
  /** Flushes in the log; a reader further behind scans the table instead. */
  readonly logRecords: number;
  /** Removed names that are remembered. */
  readonly tombstones: number;
  /** Old bytes kept for rejected and withheld resources, at most; a small table keeps twice its own size. */
  readonly oldBytes: number;
}

const defaultLimits: TableLimits = { logRecords: 512, tombstones: 10_000, oldBytes: 8 << 20 };

/** However small the table. */
const leastOldBytes = 256 << 10;

/**
 * The resources of one type in one layer, with a bounded memory of what changed. Readers keep a revision (a cursor) and
 * ask what is different since; nothing is queued for them.
 *
 * Invariant: for `since >= forgottenThrough`, `differenceSince(since)` is exact.
 */
export class Table {
  readonly type: XdsType;
  readonly #limits: TableLimits;
  readonly #entries = new Map<string, Entry>();
  readonly #tombstones = new Map<string, Tombstone>();
  readonly #log: LogRecord[] = [];
  #oldBytes = 0;
  #logFloor: Revision = 0;
  #forgottenThrough: Revision = 0;
  #revision: Revision = 0;
  #bytes = 0;
  #wholeBodies: { revision: Revision; sotw?: readonly Uint8Array[]; delta?: readonly Uint8Array[] } = { revision: 0 };

  constructor(type: XdsType, limits: Partial<TableLimits> = {}) {
    this.type = type;
    this.#limits = { ...defaultLimits, ...limits };
  }

  /** The last revision that changed this table. */
  get revision(): Revision {
    return this.#revision;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Bytes of all records. */
  get bytes(): number {
    return this.#bytes;
  }

  get entries(): ReadonlyMap<string, Entry> {
    return this.#entries;
  }

  /** Cursors before this revision can no longer learn which names are gone. */
  get forgottenThrough(): Revision {
    return this.#forgottenThrough;
  }

  get(name: string): Entry | undefined {
    return this.#entries.get(name);
  }

  /**
   * How far `commit` of this many removals would forget. Readers whose cursor is before the answer must write down
   * what they have (`namesAt`) first.
   */
  wouldForgetThrough(removals: number): Revision {
    let excess = this.#tombstones.size + removals - this.#limits.tombstones;
    let through = this.#forgottenThrough;
    for (const tombstone of this.#tombstones.values()) {
      if (excess-- <= 0) break;
      through = tombstone.removed;
    }
    return excess > 0 ? Number.POSITIVE_INFINITY : through;
  }

  /** Takes one flush's changes. `revision` is above every earlier one. Names in `removed` that are not there are ignored. */
  commit(revision: Revision, changed: readonly EncodedResource[], removed: readonly string[]): void {
    const record: LogRecord = { revision, previous: new Map(), bytes: 0, isDropped: false };
    for (const name of removed) this.#remove(name, record);
    for (const resource of changed) this.#put(resource, record);
    if (record.previous.size === 0) return;
    this.#revision = revision;
    this.#log.push(record);
    this.#oldBytes += record.bytes;
    this.#forget();
  }

  /** What is different now from how it was at `since`. */
  differenceSince(since: Revision): TableDifference {
    if (since >= this.#revision) return { changed: [], removed: new Map() };
    return since >= this.#logFloor ? this.#differenceFromLog(since) : this.#differenceByScan(since);
  }

  /** The names that were there at `revision`, with what they were then; null where that is no longer known. */
  namesAt(revision: Revision): Map<string, EncodedResource | null> {
    const names = new Map<string, EncodedResource | null>();
    for (const [name, entry] of this.#entries) {
      if (entry.changed <= revision) names.set(name, entry.resource);
      else if (entry.created <= revision) this.#addRecalled(names, name, revision);
    }
    for (const [name, tombstone] of this.#tombstones) {
      if (tombstone.created <= revision && revision < tombstone.removed) this.#addRecalled(names, name, revision);
    }
    return names;
  }

  /** All records one after another, as they stand in a response that holds the whole table. Built once per revision. */
  wholeBody(mode: 'sotw' | 'delta'): readonly Uint8Array[] {
    if (this.#wholeBodies.revision !== this.#revision) this.#wholeBodies = { revision: this.#revision };
    this.#wholeBodies[mode] ??= joinSmall([...this.#recordParts(mode)]);
    return this.#wholeBodies[mode];
  }

  /** What a name was at `revision`: null when it was not there, undefined when that is no longer known. */
  recall(name: string, revision: Revision): EncodedResource | null | undefined {
    const entry = this.#entries.get(name);
    if (entry !== undefined && entry.changed <= revision) return entry.resource;
    if (revision < this.#logFloor) return this.#recallBeforeLog(name, revision);
    for (const record of this.#log) {
      if (record.revision <= revision) continue;
      const previous = record.previous.get(name);
      if (previous !== undefined) return previous === null && record.isDropped ? undefined : previous;
    }
    return null;
  }

  #addRecalled(names: Map<string, EncodedResource | null>, name: string, revision: Revision): void {
    const resource = this.recall(name, revision);
    if (resource !== null) names.set(name, resource ?? null);
  }

  #recallBeforeLog(name: string, revision: Revision): null | undefined {
    const created = this.#entries.get(name)?.created ?? this.#tombstones.get(name)?.created;
    const isCertain = created === undefined ? revision >= this.#forgottenThrough : revision < created;
    return isCertain ? null : undefined;
  }

  *#recordParts(mode: 'sotw' | 'delta'): Generator<Uint8Array> {
    for (const { resource } of this.#entries.values()) yield* recordParts(resource, mode);
  }

  #put(resource: EncodedResource, record: LogRecord): void {
    const before = this.#entries.get(resource.name);
    if (before?.resource.version === resource.version) return;
    const tombstone = this.#tombstones.get(resource.name);
    this.#tombstones.delete(resource.name);
    this.#note(record, resource.name, before?.resource ?? null);
    this.#bytes += resource.byteLength - (before?.resource.byteLength ?? 0);
    this.#entries.set(resource.name, {
      resource,
      // A reader from before its absence must hear of the next removal, so `created` outlives the absence.
      created: before?.created ?? tombstone?.created ?? record.revision,
      appeared: before?.appeared ?? record.revision,
      changed: record.revision,
    });
  }

  #remove(name: string, record: LogRecord): void {
    const before = this.#entries.get(name);
    if (before === undefined) return;
    this.#entries.delete(name);
    this.#bytes -= before.resource.byteLength;
    this.#note(record, name, before.resource);
    this.#tombstones.set(name, { removed: record.revision, created: before.created, resource: before.resource });
  }

  #note(record: LogRecord, name: string, previous: EncodedResource | null): void {
    if (record.previous.has(name)) return;
    record.previous.set(name, previous);
    record.bytes += previous?.byteLength ?? 0;
  }

  #forget(): void {
    const kept = Math.min(this.#limits.oldBytes, Math.max(leastOldBytes, 2 * this.#bytes));
    for (const record of this.#log) {
      if (this.#oldBytes <= kept) break;
      this.#dropBytes(record);
    }
    while (this.#log.length > this.#limits.logRecords) {
      const record = this.#log.shift();
      if (record === undefined) break;
      this.#dropBytes(record);
      this.#logFloor = record.revision;
    }
    for (const [name, tombstone] of this.#tombstones) {
      if (this.#tombstones.size <= this.#limits.tombstones) break;
      this.#tombstones.delete(name);
      this.#forgottenThrough = Math.max(this.#forgottenThrough, tombstone.removed);
    }
  }

  #dropBytes(record: LogRecord): void {
    if (record.bytes === 0) return;
    for (const [name, previous] of record.previous) {
      if (previous === null) continue;
      record.previous.set(name, null);
      const tombstone = this.#tombstones.get(name);
      if (tombstone?.removed === record.revision) tombstone.resource = null;
    }
    this.#oldBytes -= record.bytes;
    record.bytes = 0;
    record.isDropped = true;
  }

  #differenceFromLog(since: Revision): TableDifference {
    // What each name was for the reader: null if it was not there, undefined if that is forgotten.
    const before = new Map<string, EncodedResource | null | undefined>();
    for (let at = this.#log.length - 1; at >= 0; at--) {
      const record = this.#log[at];
      if (record === undefined || record.revision <= since) break;
      for (const [name, previous] of record.previous) {
        before.set(name, previous === null && record.isDropped ? undefined : previous);
      }
    }
    const changed: string[] = [];
    const removed = new Map<string, EncodedResource | null>();
    for (const [name, resource] of before) {
      if (this.#entries.has(name)) changed.push(name);
      else this.#addRemoved(removed, name, since, resource);
    }
    return { changed, removed };
  }

  #differenceByScan(since: Revision): TableDifference {
    const changed: string[] = [];
    for (const [name, entry] of this.#entries) if (entry.changed > since) changed.push(name);
    const removed = new Map<string, EncodedResource | null>();
    if (since > 0) for (const name of this.#tombstones.keys()) this.#addRemoved(removed, name, since);
    return { changed, removed };
  }

  #addRemoved(
    removed: Map<string, EncodedResource | null>,
    name: string,
    since: Revision,
    before?: EncodedResource | null,
  ): void {
    const tombstone = this.#tombstones.get(name);
    if (tombstone === undefined || tombstone.created > since || tombstone.removed <= since) return;
    removed.set(name, before === undefined ? tombstone.resource : before);
  }
}
