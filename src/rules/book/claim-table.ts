import { isDeepStrictEqual } from 'node:util';
import { type Problem, type RuleId, ruleId } from '../rule.ts';
import { type Claim, type Claims, storeSource, withClaim, withoutClaim } from './claims.ts';
import { type BookObject, type BookValue, type bookValueOf, meshKind, precedenceOf } from './objects.ts';

/** An object of the store or of an adapter, with its last valid value. */
export interface BookClaim extends Claim<BookValue>, BookObject {
  readonly id: RuleId;
  /** Problems of the object's current version; empty when `value` comes from it. */
  readonly problems: readonly Problem[];
}

export type CheckedValue = ReturnType<typeof bookValueOf>;

/** Key of competing claims: a rule's id, or one key for the mesh configuration, whatever the names of its objects. */
export const slotOf = (id: RuleId): RuleId | typeof meshKind => (id.startsWith(`${meshKind}/`) ? meshKind : id);

/** Objects of all sources by the slot for which they compete. */
export interface ClaimTable {
  claimsOn(id: RuleId): Claims<BookClaim>;
  onMesh(): Claims<BookClaim>;
  all(): IteratorObject<Claims<BookClaim>>;
  /** Adds or replaces an object and returns its id. An equal object changes nothing; an invalid one keeps the last value. */
  put(source: string, object: BookObject, checked?: CheckedValue): RuleId;
  remove(source: string, id: RuleId): RuleId;
  idsOf(source: string): readonly RuleId[];
  /** Returns the ids of all objects of adapters. */
  adapterIds(): readonly RuleId[];
  /** Returns the ids of adapters' objects that were added, changed or removed since the last call. */
  takeChangedAdapterObjects(): readonly RuleId[];
}

export interface ClaimTableOptions {
  /** Validates an object that has no checked value yet. */
  readonly check: (object: BookObject) => CheckedValue;
  /** Reports whether labels of a kind's objects mean something. */
  readonly readsLabels: (kind: string) => boolean;
}

/** Creates an empty table. */
export function createClaimTable({ check, readsLabels }: ClaimTableOptions): ClaimTable {
  const slots = new Map<string, Claims<BookClaim>>();
  const idsBySource = new Map<string, Set<RuleId>>();
  const changedAdapterObjects = new Set<RuleId>();
  const claimsOn = (id: RuleId): Claims<BookClaim> => slots.get(slotOf(id)) ?? [];
  return {
    claimsOn,
    onMesh: () => slots.get(meshKind) ?? [],
    all: () => slots.values(),
    put(source, object, checkedBefore) {
      const { raw, stored } = object;
      const id = ruleId(raw);
      const before = claimsOn(id).find((claim) => claim.source === source && claim.id === id);
      const same = before !== undefined && isDeepStrictEqual([before.raw, before.stored], [raw, stored]);
      if (same) return id; // the rule keeps its identity: nothing is compiled again
      if (source !== storeSource) changedAdapterObjects.add(id);
      const checked = checkedBefore ?? check(object);
      const hasLabels = readsLabels(raw.kind);
      const isKept = before !== undefined && before.problems.length === 0 && meansTheSame(before, object, hasLabels);
      const value = checked.ok && !isKept ? checked.value : (before?.value ?? null);
      const problems = checked.ok ? [] : checked.error;
      const claim = { source, id, origin: raw.origin, order: precedenceOf(raw), value, problems, raw, stored };
      slots.set(slotOf(id), withClaim(claimsOn(id), claim));
      idsBySource.set(source, (idsBySource.get(source) ?? new Set()).add(id));
      return id;
    },
    remove(source, id) {
      if (source !== storeSource) changedAdapterObjects.add(id);
      const left = withoutClaim(claimsOn(id), { source, id });
      if (left.length === 0) slots.delete(slotOf(id));
      else slots.set(slotOf(id), left);
      const ids = idsBySource.get(source);
      ids?.delete(id);
      if (ids?.size === 0) idsBySource.delete(source);
      return id;
    },
    idsOf: (source) => [...(idsBySource.get(source) ?? [])],
    adapterIds: () => [...idsBySource].flatMap(([source, own]) => (source === storeSource ? [] : [...own])),
    takeChangedAdapterObjects() {
      const ids = [...changedAdapterObjects];
      changedAdapterObjects.clear();
      return ids;
    },
  };
}

/**
 * Reports whether two versions of an object differ only in what compiles nothing: status (of which only the version tells),
 * annotations, and labels unless the kind reads them. The rule then keeps its identity.
 */
function meansTheSame(before: BookObject, after: BookObject, hasLabels: boolean): boolean {
  const essence = ({ raw, stored }: BookObject) => [
    raw.apiVersion,
    raw.spec,
    raw.origin,
    raw.metadata.creationTimestamp,
    hasLabels ? raw.metadata.labels : null,
    stored === null ? null : [stored.generation, stored.uid],
  ];
  return isDeepStrictEqual(essence(before), essence(after));
}
