import { readFields } from '../wire/wire-reader.ts';
import { VersionedNames } from './versioned-names.ts';

/** An interned set of resource names: equal sets are the same object, so comparing and sharing cost nothing. */
export interface NameSet {
  /** Id, unique per pool; part of cache keys. */
  readonly id: number;
  readonly size: number;
  /** Listed on first use, in the order of the client's first request; later additions follow. */
  readonly names: readonly string[];
  readonly has: (name: string) => boolean;
}

export interface NamePoolLimits {
  /** Names of one type on one stream. */
  readonly maxNamesPerType: number;
}

export const defaultNameLimits: NamePoolLimits = { maxNamesPerType: 100_000 };

/** A subscription has more names than allowed. The message has the limit and its key. */
export class TooManyNames extends Error {}

/**
 * Interns name sets. A thousand clients that subscribe to one list share one set. Their requests are equal byte for
 * byte and are not even parsed: `fromField` compares them with known lists. A set made from another by adding or
 * removing a few names costs those names (`versioned-names.ts`). Sets are held weakly and disappear with their last
 * subscription.
 */
export class NamePool {
  readonly #limits: NamePoolLimits;
  readonly #sets = new Map<string, WeakRef<Interned>>();
  readonly #parsed = new Map<number, { readonly bytes: Uint8Array; readonly set: WeakRef<NameSet> }[]>();
  /** Bytes of each set as a client wrote them last: most lists of a stream equal the one before. */
  readonly #bytesOf = new WeakMap<NameSet, Uint8Array>();
  /** The last union of each set: a thousand clients of one mesh subscribe to the same new names at about the same time. */
  readonly #unions = new WeakMap<NameSet, { readonly added: NameSet; readonly union: WeakRef<NameSet> }>();
  #nextId = 1;
  /** Cached bytes, now and after the last sweep. */
  #size = 0;
  #sizeAtLastSweep = 0;
  /** Names compared or copied so far: the measure of the pool's work. */
  work = 0;
  readonly empty: NameSet;

  constructor(limits: NamePoolLimits = defaultNameLimits) {
    this.#limits = limits;
    this.empty = this.of([]);
  }

  of(names: Iterable<string>): NameSet {
    const distinct = new Set(names);
    this.work += distinct.size;
    return this.#interned(VersionedNames.of(distinct), 0);
  }

  /**
   * The set of a repeated string field 3 (`resource_names`, `resource_names_subscribe`) from its bytes on the wire. An
   * unchanged list costs a comparison, however many others are known: `before` is the set that the stream had.
   *
   * @throws TooManyNames
   */
  fromField(bytes: Uint8Array, before?: NameSet): NameSet {
    if (bytes.length === 0) return this.empty;
    const last = before === undefined ? undefined : this.#bytesOf.get(before);
    if (before !== undefined && last?.length === bytes.length && Buffer.compare(last, bytes) === 0) return before;
    const seen = this.#parsed.get(bytes.length) ?? [];
    for (const candidate of seen) {
      const set = candidate.set.deref();
      if (set !== undefined && Buffer.compare(candidate.bytes, bytes) === 0) return set;
    }
    const set = this.of(this.#namesOf(bytes));
    if (bytes.length >= smallestRemembered) this.#remember(bytes, set);
    return set;
  }

  /** @throws TooManyNames */
  union(a: NameSet, b: NameSet): NameSet {
    if (a === b || b.size === 0) return a;
    if (a.size === 0) return b;
    const last = this.#unions.get(a);
    const known = last?.added === b ? last.union.deref() : undefined;
    if (known !== undefined) return known;
    const union = this.#unite(a, b);
    this.#unions.set(a, { added: b, union: new WeakRef(union) });
    return union;
  }

  difference(a: NameSet, b: NameSet): NameSet {
    if (a === b) return this.empty;
    if (b.size > a.size / 2) return this.of(a.names.filter((name) => !b.has(name)));
    this.work += b.size;
    return this.#changed(a, b.names.filter(a.has));
  }

  #unite(a: NameSet, b: NameSet): NameSet {
    this.work += b.size;
    const added = b.names.filter((name) => !a.has(name));
    if (a.size + added.length > this.#limits.maxNamesPerType) throw this.#tooMany();
    return added.length > a.size / 2 ? this.of([...a.names, ...added]) : this.#changed(a, added);
  }

  /** Throws if a request lists more names than a subscription may have. */
  refuseMoreThanAllowed(listed: number): void {
    if (listed > this.#limits.maxNamesPerType) throw this.#tooMany();
  }

  /** Returns `a` with these names toggled: added if absent, removed if present. */
  #changed(a: NameSet, names: readonly string[]): NameSet {
    if (names.length === 0) return a;
    if (!(a instanceof Interned)) return this.of([...a.names, ...names]);
    const { lineage, version } = a.lineage.toggled(a.version, names);
    this.work += lineage === a.lineage ? names.length : lineage.sizeAt(version);
    return this.#interned(lineage, version);
  }

  #interned(lineage: VersionedNames, version: number): NameSet {
    const key = lineage.digestAt(version);
    const known = this.#sets.get(key)?.deref();
    if (known?.lineage.equals(known.version, lineage, version) === true) {
      if (known.lineage === lineage) known.version = Math.max(known.version, version); // equal, and its next version is free
      return known;
    }
    const set = new Interned(this.#nextId++, lineage, version);
    this.#sets.set(key, new WeakRef(set));
    this.#grow(key.length + 64);
    return set;
  }

  #remember(bytes: Uint8Array, set: NameSet): void {
    const seen = (this.#parsed.get(bytes.length) ?? []).filter((entry) => entry.set.deref() !== undefined);
    const own = Uint8Array.from(bytes);
    this.#parsed.set(bytes.length, [{ bytes: own, set: new WeakRef(set) }, ...seen].slice(0, 4));
    this.#bytesOf.set(set, own);
    this.#grow(bytes.length);
  }

  #grow(bytes: number): void {
    this.#size += bytes;
    if (this.#size > 2 * this.#sizeAtLastSweep + (4 << 20)) this.sweep();
  }

  /** Drops cache entries of unused sets. Runs by itself when the cache grows. */
  sweep(): void {
    this.#size = 0;
    for (const [key, ref] of this.#sets) {
      if (ref.deref() === undefined) this.#sets.delete(key);
      else this.#size += key.length + 64;
    }
    for (const [length, seen] of this.#parsed) {
      if (seen.every((entry) => entry.set.deref() === undefined)) this.#parsed.delete(length);
      else this.#size += seen.length * length;
    }
    this.#sizeAtLastSweep = this.#size;
  }

  #namesOf(bytes: Uint8Array): string[] {
    const names: string[] = [];
    readFields(bytes, (field) => {
      if (field.number !== 3 || field.bytes === null) return;
      if (names.length >= this.#limits.maxNamesPerType) throw this.#tooMany();
      names.push(field.text());
    });
    return names;
  }

  #tooMany(): TooManyNames {
    const { maxNamesPerType: most } = this.#limits;
    return new TooManyNames(`more than ${most} names of one type on one stream (xds.limits.maxNamesPerType)`);
  }
}

/** One version of versioned names, or a later one with equal names. */
class Interned implements NameSet {
  readonly id: number;
  readonly lineage: VersionedNames;
  version: number;
  readonly size: number;
  readonly has: (name: string) => boolean;
  #names: readonly string[] | null = null;

  constructor(id: number, lineage: VersionedNames, version: number) {
    this.id = id;
    this.lineage = lineage;
    this.version = version;
    this.size = lineage.sizeAt(version);
    this.has = (name) => lineage.has(this.version, name);
  }

  get names(): readonly string[] {
    this.#names ??= [...this.lineage.namesAt(this.version)];
    return this.#names;
  }
}

/** Below this size, parsing costs less than a lookup. */
const smallestRemembered = 256;
