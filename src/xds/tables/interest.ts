import type { EncodedResource, XdsType } from '../../proto/resource.ts';
import type { Response } from '../wire/response.ts';
import { absentVersion } from './absent.ts';
import type { Baseline, KnownVersions } from './baseline.ts';
import { baselineKey, isShared } from './baseline.ts';
import { InterestIndex } from './interest-index.ts';
import { type Marked, markType } from './marks.ts';
import type { NameSet } from './names.ts';
import type { Sender } from './sender.ts';
import type { Entry, Revision, Table, TableDifference } from './table.ts';

/**
 * Subscription content of one type: the ordered tables of a view, and all of their names or a set of names. Streams with equal
 * subscriptions share one interest, and with it every difference and response built for it.
 */
export class Interest {
  readonly id: number;
  readonly type: XdsType;
  readonly tables: readonly Table[];
  readonly wildcard: boolean;
  readonly names: NameSet;
  /** The last revision that changed anything of it. */
  lastRevision: Revision;
  readonly holders = new Set<Holder>();
  /** Last long acknowledgement of a user, from which the next one is predicted (ack-cache.ts). */
  acknowledgement: Uint8Array | null = null;

  readonly #differences = new Map<Revision | string, TableDifference>();
  readonly #knownVersions = new Map<Revision, KnownVersions>();
  readonly #responses = new Map<string, Response>();
  /** Sum of the tables' revisions when these were computed. A higher sum invalidates them. */
  #computedAt = 0;

  constructor(id: number, type: XdsType, { tables, wildcard, names }: Wanted) {
    this.id = id;
    this.type = type;
    this.tables = tables;
    this.wildcard = wildcard;
    this.names = names;
    this.lastRevision = tables.reduce((latest, table) => Math.max(latest, table.revision), 0);
  }

  includes(name: string): boolean {
    return this.wildcard || this.names.has(name);
  }

  get(name: string): Entry | undefined {
    if (!this.includes(name)) return undefined;
    for (const table of this.tables) {
      const entry = table.get(name);
      if (entry !== undefined) return entry;
    }
    return undefined;
  }

  /** Yields every included name that exists. */
  *present(): Generator<string> {
    if (!this.wildcard) {
      for (const name of this.names.names) if (this.get(name) !== undefined) yield name;
      return;
    }
    for (const table of this.tables) yield* table.entries.keys();
  }

  /** True if it includes all names of its tables: then whole bodies can be shared. */
  isWhole(): boolean {
    if (this.wildcard) return true;
    const size = this.tables.reduce((sum, table) => sum + table.size, 0);
    if (this.names.size < size) return false;
    return this.tables.every((table) => table.entries.keys().every(this.names.has));
  }

  /** Difference between the tables and a client's baseline. Computed once for all clients in the same state. */
  differenceFrom(baseline: Baseline): TableDifference {
    this.#dropOutdated();
    const key = baseline.kind === 'cursor' ? baseline.revision : baselineKey(baseline);
    const known = this.#differences.get(key);
    if (known !== undefined) return known;
    const difference =
      baseline.kind === 'cursor' ? this.#sinceRevision(baseline.revision) : this.#sinceVersions(baseline.known);
    if (isShared(baseline)) this.#differences.set(key, difference);
    return difference;
  }

  /** Versions that a stream with this cursor has. */
  knownVersionsAt(revision: Revision, makeId: () => number): KnownVersions {
    this.#dropOutdated();
    const known = this.#knownVersions.get(revision);
    if (known !== undefined) return known;
    const versions = new Map<string, string>();
    const resources = new Map<string, EncodedResource>();
    for (const table of this.tables) {
      for (const [name, resource] of table.namesAt(revision)) {
        if (!this.includes(name)) continue;
        versions.set(name, resource?.version ?? '');
        if (resource !== null) resources.set(name, resource);
      }
    }
    const knownVersions: KnownVersions = { id: makeId(), versions, resources, shared: true };
    this.#knownVersions.set(revision, knownVersions);
    return knownVersions;
  }

  /** The response for this state, built by the first stream that needs it. Null keys are not shared. */
  response(key: string | null, build: () => Response): Response {
    if (key === null) return build();
    this.#dropOutdated();
    const known = this.#responses.get(key);
    if (known !== undefined) return known;
    const response = build();
    this.#responses.set(key, response);
    return response;
  }

  /** Drops cached differences and responses. */
  invalidate(): void {
    this.#differences.clear();
    this.#knownVersions.clear();
    this.#responses.clear();
  }

  /** Drops results from before the last commit to one of the tables: a commit notifies only the interests that include its names. */
  #dropOutdated(): void {
    let now = 0;
    for (const table of this.tables) now += table.revision;
    if (now === this.#computedAt) return;
    this.#computedAt = now;
    this.invalidate();
  }

  #sinceRevision(since: Revision): TableDifference {
    const parts = this.tables.map((table) => table.differenceSince(since));
    if (this.wildcard && parts.length === 1 && parts[0] !== undefined) return parts[0];
    const removed = new Map<string, EncodedResource | null>();
    for (const part of parts) {
      for (const [name, resource] of part.removed) {
        // Layers are disjoint at any one time, but a name may move from one to another.
        if (this.includes(name) && this.get(name) === undefined) removed.set(name, resource);
      }
    }
    return { changed: parts.flatMap((part) => part.changed.filter((name) => this.includes(name))), removed };
  }

  #sinceVersions(knownVersions: KnownVersions): TableDifference {
    const changed: string[] = [];
    for (const name of this.present()) {
      if (this.get(name)?.resource.version !== knownVersions.versions.get(name)) changed.push(name);
    }
    const removed = new Map<string, EncodedResource | null>();
    for (const [name, version] of knownVersions.versions) {
      if (!this.includes(name) || version === absentVersion || this.get(name) !== undefined) continue;
      removed.set(name, knownVersions.resources.get(name) ?? null);
    }
    return { changed, removed };
  }
}

/** User of an interest. */
export interface Holder extends Marked {
  /** Sends its responses; null if nothing does. */
  readonly sender: Sender | null;
}

/** Identity of an interest. */
export interface Wanted {
  readonly tables: readonly Table[];
  readonly wildcard: boolean;
  readonly names: NameSet;
}

/** Interns interests and notifies them of flushes. */
export class InterestPool {
  readonly #interests = new Map<string, Interest>();
  readonly #byTable = new Map<Table, InterestIndex<Interest>>();
  readonly #tableIds = new WeakMap<Table, number>();
  #nextId = 1;

  get size(): number {
    return this.#interests.size;
  }

  /** Number of tables with interests. */
  get tables(): number {
    return this.#byTable.size;
  }

  /** Returns the shared interest. `holder` uses it until `release`, however often it acquires it. */
  acquire(type: XdsType, wanted: Wanted, holder: Holder): Interest {
    const key = this.#keyOf(type, wanted);
    let interest = this.#interests.get(key);
    if (interest === undefined) {
      interest = new Interest(this.#nextId++, type, wanted);
      this.#interests.set(key, interest);
      for (const table of wanted.tables) this.#interestsOf(table).add(interest);
    }
    interest.holders.add(holder);
    return interest;
  }

  release(interest: Interest, holder: Holder): void {
    interest.holders.delete(holder);
    if (interest.holders.size > 0) return;
    this.#interests.delete(this.#keyOf(interest.type, interest));
    for (const table of interest.tables) {
      const interests = this.#interestsOf(table);
      interests.delete(interest);
      if (interests.size === 0) this.#byTable.delete(table);
    }
  }

  /** Applies a commit of `table`: marks the users of interests with changed names, and wakes their senders. */
  committed(table: Table, revision: Revision, names: readonly string[], wake: (sender: Sender) => void): void {
    for (const interest of this.#byTable.get(table)?.matching(new Set(names)) ?? []) {
      interest.lastRevision = revision;
      for (const holder of interest.holders) {
        markType(holder, interest.type);
        if (holder.sender !== null) wake(holder.sender);
      }
    }
  }

  all(): IterableIterator<Interest> {
    return this.#interests.values();
  }

  #interestsOf(table: Table): InterestIndex<Interest> {
    let interests = this.#byTable.get(table);
    if (interests === undefined) {
      interests = new InterestIndex<Interest>();
      this.#byTable.set(table, interests);
    }
    return interests;
  }

  #keyOf(type: XdsType, { tables, wildcard, names }: Wanted): string {
    return `${type}|${tables.map((table) => this.#idOf(table)).join(',')}|${wildcard ? '*' : ''}|${names.id}`;
  }

  #idOf(table: Table): number {
    let id = this.#tableIds.get(table);
    if (id === undefined) {
      id = this.#nextId++;
      this.#tableIds.set(table, id);
    }
    return id;
  }
}
