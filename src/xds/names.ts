import { readFields } from './wire-reader.ts';

/** An interned set of resource names: equal sets are the same object, so comparing and sharing cost nothing. */
export interface NameSet {
  /** Unique per pool; part of cache keys. */
  readonly id: number;
  /** Sorted. */
  readonly names: readonly string[];
  readonly has: (name: string) => boolean;
}

/**
 * Interns name sets. A thousand clients that subscribe to the same list share one set, and their requests, being equal
 * byte for byte, are not even parsed: `fromField` compares them with lists seen before.
 *
 * Sets are held weakly: what no subscription uses goes away.
 */
export class NamePool {
  readonly #sets = new Map<string, WeakRef<NameSet>>();
  readonly #parsed = new Map<number, { readonly bytes: Uint8Array; readonly set: WeakRef<NameSet> }[]>();
  /** The last union of each set: a thousand clients of one mesh subscribe to the same new names at about the same time. */
  readonly #unions = new WeakMap<NameSet, { readonly added: NameSet; readonly union: WeakRef<NameSet> }>();
  #nextId = 1;
  /** Characters of all keys, and how many of them there were after the last sweep. */
  #size = 0;
  #sizeAtLastSweep = 0;
  readonly empty: NameSet = this.of([]);

  of(names: Iterable<string>): NameSet {
    const sorted = [...new Set(names)].sort();
    const key = sorted.map((name) => `${name.length}:${name}`).join(''); // no name can pass for two, or for none
    const known = this.#sets.get(key)?.deref();
    if (known !== undefined) return known;
    const members = new Set(sorted);
    const set: NameSet = { id: this.#nextId++, names: sorted, has: (name) => members.has(name) };
    this.#sets.set(key, new WeakRef(set));
    this.#size += key.length + 64;
    if (this.#size > 2 * this.#sizeAtLastSweep + (4 << 20)) this.sweep();
    return set;
  }

  /** The set of a repeated string field 3 (`resource_names`, `resource_names_subscribe`) from its bytes on the wire. */
  fromField(bytes: Uint8Array): NameSet {
    if (bytes.length === 0) return this.empty;
    const seen = this.#parsed.get(bytes.length) ?? [];
    for (const candidate of seen) {
      const set = candidate.set.deref();
      if (set !== undefined && Buffer.compare(candidate.bytes, bytes) === 0) return set;
    }
    const set = this.of(namesOf(bytes));
    if (bytes.length >= smallestRemembered) this.#remember(bytes, set);
    return set;
  }

  union(a: NameSet, b: NameSet): NameSet {
    if (a === b || b.names.length === 0) return a;
    if (a.names.length === 0) return b;
    const last = this.#unions.get(a);
    const known = last?.added === b ? last.union.deref() : undefined;
    if (known !== undefined) return known;
    const union = b.names.every(a.has) ? a : this.of([...a.names, ...b.names]);
    this.#unions.set(a, { added: b, union: new WeakRef(union) });
    return union;
  }

  difference(a: NameSet, b: NameSet): NameSet {
    if (a === b) return this.empty;
    if (b.names.length === 0) return a;
    return this.of(a.names.filter((name) => !b.has(name)));
  }

  #remember(bytes: Uint8Array, set: NameSet): void {
    const seen = (this.#parsed.get(bytes.length) ?? []).filter((entry) => entry.set.deref() !== undefined);
    this.#parsed.set(bytes.length, [{ bytes: Uint8Array.from(bytes), set: new WeakRef(set) }, ...seen].slice(0, 4));
  }

  /** Lets go of what is remembered of sets that nobody uses any more. Done by itself when there is much of it. */
  sweep(): void {
    this.#size = 0;
    for (const [key, ref] of this.#sets) {
      if (ref.deref() === undefined) this.#sets.delete(key);
      else this.#size += key.length + 64;
    }
    for (const [length, seen] of this.#parsed) {
      if (seen.every((entry) => entry.set.deref() === undefined)) this.#parsed.delete(length);
    }
    this.#sizeAtLastSweep = this.#size;
  }
}

/** Shorter lists are parsed faster than they are looked up. */
const smallestRemembered = 256;

function namesOf(bytes: Uint8Array): string[] {
  const names: string[] = [];
  readFields(bytes, (field) => {
    if (field.number === 3 && field.bytes !== null) names.push(field.text());
  });
  return names;
}
