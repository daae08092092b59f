import type { NameSet } from './names.ts';

/** The indexed properties of an interest. */
export interface Indexed {
  readonly wildcard: boolean;
  readonly names: NameSet;
}

/**
 * Interests in one table, so that a change of a few names costs only the affected interests. Few interests, or long
 * ones, are scanned: that is as cheap and needs no memory. Short ones are indexed by name once they are many. There may
 * be tens of thousands of them, because each gRPC client has its own.
 */
export class InterestIndex<Interest extends Indexed> {
  /** Wildcards, and those with many names: always scanned. */
  readonly #long = new Set<Interest>();
  readonly #short = new Set<Interest>();
  /** The short ones by name; null as long as they are few. */
  #byName: Map<string, Set<Interest>> | null = null;

  get size(): number {
    return this.#long.size + this.#short.size;
  }

  add(interest: Interest): void {
    if (!isShort(interest)) {
      this.#long.add(interest);
      return;
    }
    this.#short.add(interest);
    if (this.#byName !== null) addNames(this.#byName, interest);
    else if (this.#short.size > maxScanned) {
      this.#byName = new Map();
      for (const one of this.#short) addNames(this.#byName, one);
    }
  }

  delete(interest: Interest): void {
    this.#long.delete(interest);
    if (!this.#short.delete(interest) || this.#byName === null) return;
    if (this.#short.size < maxScanned / 2) {
      this.#byName = null;
      return;
    }
    for (const name of interest.names.names) {
      const holders = this.#byName.get(name);
      holders?.delete(interest);
      if (holders?.size === 0) this.#byName.delete(name);
    }
  }

  /** Yields the interests that include one of these names, each once. */
  *matching(names: ReadonlySet<string>): Generator<Interest> {
    for (const interest of this.#long) if (interest.wildcard || meet(names, interest)) yield interest;
    if (this.#byName === null) {
      for (const interest of this.#short) if (meet(names, interest)) yield interest;
      return;
    }
    const found = new Set<Interest>();
    for (const name of names) {
      for (const interest of this.#byName.get(name) ?? []) {
        if (found.has(interest)) continue;
        found.add(interest);
        yield interest;
      }
    }
  }
}

const isShort = ({ wildcard, names }: Indexed): boolean => !wildcard && names.size <= maxNamesOfShort;

/** Limit of names of a short interest. */
const maxNamesOfShort = 64;
/** Up to this number, short interests are scanned. */
const maxScanned = 128;

function addNames<Interest extends Indexed>(byName: Map<string, Set<Interest>>, interest: Interest): void {
  for (const name of interest.names.names) {
    const holders = byName.get(name);
    if (holders === undefined) byName.set(name, new Set([interest]));
    else holders.add(interest);
  }
}

/** Returns true if they have a name in common. Costs as much as the smaller of both. */
const meet = (changed: ReadonlySet<string>, { names }: Indexed): boolean =>
  names.size < changed.size ? names.names.some((name) => changed.has(name)) : changed.values().some(names.has);
