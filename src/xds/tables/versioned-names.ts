/** One version: its size, its digest, and the number of names it toggled. */
interface NamesVersion {
  readonly size: number;
  /** Sums over all names, so that a toggled name updates them alone. */
  readonly high: number;
  readonly low: number;
  readonly toggled: number;
}

/**
 * Versions of a set of names, each made from the one before by adding and removing a few. A version costs the names that it
 * toggles, and all versions stay readable.
 *
 * Invariant: a name is in version `v` if it is in the base and was toggled an even number of times up to `v`, or is not in
 * the base and was toggled an odd number of times.
 */
export class VersionedNames {
  readonly #base: ReadonlySet<string>;
  /** The versions that toggled a name, in order. */
  readonly #toggles = new Map<string, number[]>();
  readonly #versions: NamesVersion[];
  #toggled = 0;

  private constructor(base: ReadonlySet<string>, first: NamesVersion) {
    this.#base = base;
    this.#versions = [first];
  }

  /** Creates version 0 from these names. Takes ownership of the set. */
  static of(names: ReadonlySet<string>): VersionedNames {
    let [high, low] = [0, 0];
    for (const name of names) {
      const hash = hashOf(name);
      high = (high + hash) >>> 0;
      low = (low + mixed(hash)) >>> 0;
    }
    return new VersionedNames(names, { size: names.size, high, low, toggled: 0 });
  }

  has(version: number, name: string): boolean {
    const isInBase = this.#base.has(name);
    const toggles = version === 0 ? undefined : this.#toggles.get(name);
    return toggles === undefined ? isInBase : isInBase !== (countUpTo(toggles, version) % 2 === 1);
  }

  sizeAt(version: number): number {
    return this.#at(version).size;
  }

  /** Equal sets have equal digests. Unequal ones may have them, too. */
  digestAt(version: number): string {
    const { size, high, low } = this.#at(version);
    return `${size}:${high}:${low}`;
  }

  *namesAt(version: number): Generator<string> {
    for (const name of this.#base) if (!this.#toggles.has(name) || this.has(version, name)) yield name;
    for (const name of this.#toggles.keys()) if (!this.#base.has(name) && this.has(version, name)) yield name;
  }

  equals(version: number, other: VersionedNames, otherVersion: number): boolean {
    if (this.sizeAt(version) !== other.sizeAt(otherVersion)) return false;
    const mayDiffer = this === other ? this.#toggles.keys() : other.namesAt(otherVersion);
    for (const name of mayDiffer) if (this.has(version, name) !== other.has(otherVersion, name)) return false;
    return true;
  }

  /**
   * Toggles names. Returns the next version of this object. If that exists already with other names, or the toggles have
   * outgrown the base, returns version 0 of another.
   */
  toggled(version: number, names: readonly string[]): { readonly lineage: VersionedNames; readonly version: number } {
    const next = version + 1;
    if (this.#isNext(version, names)) return { lineage: this, version: next };
    if (next < this.#versions.length || this.#toggled + names.length > this.#base.size + minToggles) {
      const all = new Set(this.namesAt(version));
      for (const name of names) if (!all.delete(name)) all.add(name);
      return { lineage: VersionedNames.of(all), version: 0 };
    }
    let { size, high, low } = this.#at(version);
    for (const name of names) {
      const sign = this.has(version, name) ? -1 : 1;
      const hash = hashOf(name);
      size += sign;
      high = (high + sign * hash) >>> 0;
      low = (low + sign * mixed(hash)) >>> 0;
      const toggles = this.#toggles.get(name);
      if (toggles === undefined) this.#toggles.set(name, [next]);
      else toggles.push(next);
    }
    this.#versions.push({ size, high, low, toggled: names.length });
    this.#toggled += names.length;
    return { lineage: this, version: next };
  }

  /** Returns true if the next version exists and toggled exactly these names, for another stream. */
  #isNext(version: number, names: readonly string[]): boolean {
    const next = this.#versions[version + 1];
    return (
      next?.toggled === names.length && names.every((name) => this.has(version, name) !== this.has(version + 1, name))
    );
  }

  #at(version: number): NamesVersion {
    const known = this.#versions[version];
    if (known === undefined) throw new RangeError(`no version ${version}`);
    return known;
  }
}

/** Toggles allowed in addition to the size of the base. */
const minToggles = 1_000;

/** 32 bits of a name. */
function hashOf(name: string): number {
  let hash = 0x9747b28c;
  for (let at = 0; at < name.length; at++) {
    hash = Math.imul(hash ^ name.charCodeAt(at), 0x5bd1e995);
    hash ^= hash >>> 15;
  }
  return mixed(hash);
}

/** Mixes the bits again. Both sums together tell nearly all sets apart. */
function mixed(hash: number): number {
  const half = Math.imul(hash ^ (hash >>> 13), 0x85ebca6b);
  return (half ^ (half >>> 16)) >>> 0;
}

/** Counts the versions up to this one, in an ordered list. */
function countUpTo(versions: readonly number[], version: number): number {
  let [low, high] = [0, versions.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((versions[middle] ?? 0) <= version) low = middle + 1;
    else high = middle;
  }
  return low;
}
