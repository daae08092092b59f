import { type EncodedResource, recordParts, type XdsType } from '../../proto/resource.ts';
import { joinSmall } from '../wire/parts.ts';

/** Counts flushes over all tables: a change of several tables in one flush has one revision. 0 is before everything. */
export type Revision = number;

export interface Entry {
  readonly resource: EncodedResource;
  /** Revision of the first appearance of the name, as far as remembered. */
  readonly created: Revision;
  /** Revision of the last appearance: later than `created` if the name was absent meanwhile. */
  readonly appeared: Revision;
  /** The revision in which its content changed last. */
  readonly changed: Revision;
}

/** A removed name. */
interface Tombstone {
  readonly removed: Revision;
  /** Revisions as they were in its entry. */
  readonly created: Revision;
  readonly changed: Revision;
  /** The last bytes, kept longer than the log; null once the budget for old bytes is used up. */
  resource: EncodedResource | null;
}

interface LogRecord {
  readonly revision: Revision;
  /** Earlier version of each name of this flush; null: absent. Over budget the bytes are dropped and names stay. */
  readonly previous: Map<string, EncodedResource | null>;
  bytes: number;
  /** True if it was over budget: null has no meaning then. */
  isDropped: boolean;
}

/** Changes to the names of one table between two revisions. */
export interface TableDifference {
  /** Names with new or changed content. */
  readonly changed: readonly string[];
  /**
   * Removed names with the reader's bytes; if those are forgotten, the last bytes or null. Null also for names that came back
   * and went again since.
   */
  readonly removed: ReadonlyMap<string, EncodedResource | null>;
}

export interface TableLimits {
  /** Flushes in the log; a reader further behind scans the table instead. */
  readonly logRecords: number;
  /** Removed names that are remembered. */
  readonly tombstones: number;
  /** Limit of old bytes, kept for rejected resources and deferred removals; a small table keeps twice its own size. */
  readonly oldBytes: number;
}

const defaultLimits: TableLimits = { logRecords: 512, tombstones: 10_000, oldBytes: 8 << 20 };

/** Minimum of that limit, however small the table is. */
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
  #logBytes = 0;
  /** Bytes of names removed before the log begins. */
  #goneBytes = 0;
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
   * Returns the revision through which `commit` of this many removals would forget. Readers with an earlier cursor must
   * record their versions (`namesAt`) first.
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

  /** Applies the changes of one flush. `revision` is above every earlier one. Absent names in `removed` are ignored. */
  commit(revision: Revision, changed: readonly EncodedResource[], removed: readonly string[]): void {
    const record: LogRecord = { revision, previous: new Map(), bytes: 0, isDropped: false };
    for (const name of removed) this.#remove(name, record);
    for (const resource of changed) this.#put(resource, record);
    if (record.previous.size === 0) return;
    this.#revision = revision;
    this.#log.push(record);
    this.#logBytes += record.bytes;
    this.#forget();
  }

  /** Difference between `since` and now. */
  differenceSince(since: Revision): TableDifference {
    if (since >= this.#revision) return { changed: [], removed: new Map() };
    return since >= this.#logFloor ? this.#differenceFromLog(since) : this.#differenceByScan(since);
  }

  /** Names at `revision` with their versions; null: no longer known. */
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

  /** Records of the whole table as in a response, concatenated. Built once per revision. */
  wholeBody(mode: 'sotw' | 'delta'): readonly Uint8Array[] {
    if (this.#wholeBodies.revision !== this.#revision) this.#wholeBodies = { revision: this.#revision };
    this.#wholeBodies[mode] ??= joinSmall([...this.#recordParts(mode)]);
    return this.#wholeBodies[mode];
  }

  /** Version of a name at `revision`; null: absent; undefined: no longer known. */
  resourceAt(name: string, revision: Revision): EncodedResource | null | undefined {
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
    const resource = this.resourceAt(name, revision);
    if (resource !== null) names.set(name, resource ?? null);
  }

  #recallBeforeLog(name: string, revision: Revision): EncodedResource | null | undefined {
    const tombstone = this.#tombstones.get(name);
    const created = this.#entries.get(name)?.created ?? tombstone?.created;
    const wasAbsent = created === undefined ? revision >= this.#forgottenThrough : revision < created;
    if (wasAbsent || (tombstone !== undefined && revision >= tombstone.removed)) return null;
    return tombstone !== undefined && revision >= tombstone.changed ? (tombstone.resource ?? undefined) : undefined;
  }

  *#recordParts(mode: 'sotw' | 'delta'): Generator<Uint8Array> {
    for (const { resource } of this.#entries.values()) yield* recordParts(resource, mode);
  }

  #put(resource: EncodedResource, record: LogRecord): void {
    const before = this.#entries.get(resource.name);
    if (before?.resource.version === resource.version) return;
    const tombstone = this.#tombstones.get(resource.name);
    this.#deleteTombstone(resource.name);
    this.#note(record, resource.name, before?.resource ?? null);
    this.#bytes += resource.byteLength - (before?.resource.byteLength ?? 0);
    this.#entries.set(resource.name, {
      resource,
      // A reader from before the absence needs the next removal, so `created` outlives the absence.
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
    const { created, changed, resource } = before;
    this.#tombstones.set(name, { removed: record.revision, created, changed, resource });
  }

  #note(record: LogRecord, name: string, previous: EncodedResource | null): void {
    if (record.previous.has(name)) return;
    record.previous.set(name, previous);
    record.bytes += previous?.byteLength ?? 0;
  }

  #forget(): void {
    while (this.#log.length > this.#limits.logRecords) this.#shiftLog();
    for (const [name, tombstone] of this.#tombstones) {
      if (this.#tombstones.size <= this.#limits.tombstones) break;
      this.#deleteTombstone(name);
      this.#forgottenThrough = Math.max(this.#forgottenThrough, tombstone.removed);
    }
    this.#dropOldBytes(Math.min(this.#limits.oldBytes, Math.max(leastOldBytes, 2 * this.#bytes)));
  }

  /** The oldest bytes first. */
  #dropOldBytes(kept: number): void {
    for (const tombstone of this.#goneBytes > 0 ? this.#tombstones.values() : []) {
      if (this.#logBytes + this.#goneBytes <= kept || tombstone.removed > this.#logFloor) break;
      this.#goneBytes -= tombstone.resource?.byteLength ?? 0;
      tombstone.resource = null;
    }
    for (const record of this.#log) {
      if (this.#logBytes <= kept) break;
      this.#dropBytes(record);
    }
  }

  /** Drops the oldest record. Tombstones keep its bytes, because whole sets with deferred removals need them. */
  #shiftLog(): void {
    const record = this.#log.shift();
    if (record === undefined) return;
    this.#logFloor = record.revision;
    this.#logBytes -= record.bytes;
    for (const name of record.previous.keys()) {
      const tombstone = this.#tombstones.get(name);
      if (tombstone?.removed === record.revision) this.#goneBytes += tombstone.resource?.byteLength ?? 0;
    }
  }

  #deleteTombstone(name: string): void {
    const tombstone = this.#tombstones.get(name);
    if (tombstone === undefined) return;
    this.#tombstones.delete(name);
    if (tombstone.removed <= this.#logFloor) this.#goneBytes -= tombstone.resource?.byteLength ?? 0;
  }

  #dropBytes(record: LogRecord): void {
    if (record.bytes === 0) return;
    for (const [name, previous] of record.previous) {
      if (previous === null) continue;
      record.previous.set(name, null);
      const tombstone = this.#tombstones.get(name);
      if (tombstone?.removed === record.revision) tombstone.resource = null;
    }
    this.#logBytes -= record.bytes;
    record.bytes = 0;
    record.isDropped = true;
  }

  #differenceFromLog(since: Revision): TableDifference {
    // The reader's version of each name: null if absent, undefined if forgotten.
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
