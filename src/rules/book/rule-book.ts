import { isDeepStrictEqual } from 'node:util';
import type { RawObject } from '../../model/object.ts';
import type { MeshConfig } from '../mesh-config.ts';
import { type Problem, type Rule, type RuleId, type RuleKind, ruleId } from '../rule.ts';
import type { StoreChange, StoredObject } from '../store.ts';
import { type Claim, type Claims, storeSource, winner, withClaim, withoutClaim } from './claims.ts';
import {
  type BookObject,
  type BookValue,
  bookObjectOfAdapter,
  bookObjectOfStore,
  bookValueOf,
  idOf,
  isOutsideBook,
  meshKind,
  precedenceOf,
} from './objects.ts';

/** A change of the current set, in the shapes of the compiler's `WorldChange`. */
export type RuleChange = BookValue | { readonly type: 'rule-removed'; readonly id: RuleId };

/** A change of an adapter's objects: the object part of the adapter contract's `ShardChange`. */
export type ObjectChange =
  | { readonly type: 'object'; readonly object: RawObject }
  | { readonly type: 'object-removed'; readonly kind: string; readonly namespace: string; readonly name: string };

/** Problems of one object, for debug views. */
export interface ObjectReport {
  readonly id: RuleId;
  readonly source: string;
  readonly origin: string;
  readonly problems: readonly Problem[];
  /** The value in effect in its place: an earlier valid version of it, another source's object, or nothing. */
  readonly inEffect: 'earlier' | 'other' | 'nothing';
}

/**
 * The rules and the mesh configuration in effect: the objects of the store and of adapters, validated and merged. The
 * store wins over adapters; among adapters the oldest object wins. When an object becomes invalid, its last valid value
 * stays in effect, and the object is reported. In memory only, no I/O.
 */
export interface RuleBook {
  /**
   * Validates an object of the store before its change arrives, so that one turn of the event loop need not validate a
   * thousand objects. `applyStore` must receive the same object, not an equal one. Changes nothing.
   */
  prepare(object: StoredObject): void;
  /** Applies committed changes of a store; serves as the listener of `RuleStore.subscribe`. */
  applyStore(changes: readonly StoreChange[]): void;
  /** Replaces all objects of an adapter. Of several objects with one id, the first counts. */
  replace(source: string, objects: readonly RawObject[]): void;
  apply(source: string, changes: readonly ObjectChange[]): void;
  get(id: RuleId): Rule | null;
  rules(): IteratorObject<Rule>;
  mesh(): MeshConfig;
  /** Returns the origin of an adapter's object with this id, to tell a writer which file defines it. */
  adapterOrigin(id: RuleId): string | null;
  /** Reports at most `limit` (1,000) objects that have problems or are shadowed. */
  reports(limit?: number): readonly ObjectReport[];
  /**
   * Reports the store's object with this id, else an adapter's. Null when it is in effect without problems, or does not
   * exist.
   */
  reportOn(id: RuleId): ObjectReport | null;
  /** Returns an adapter's object with this id as the adapter gave it; of several, the one with precedence. */
  adapterObject(id: RuleId): RawObject | null;
  /**
   * Calls `listener` at once with the ids of all objects of adapters. Later calls pass the ids that were added, changed
   * or removed.
   */
  onAdapterObjects(listener: (ids: readonly RuleId[]) => void): void;
  /** Calls `listener` with every later change. `rules` and `mesh` already include it. */
  subscribe(listener: (changes: readonly RuleChange[]) => void): () => void;
}

/** Kinds and configuration that do not change while the book exists. */
export interface RuleBookOptions {
  readonly kinds: readonly RuleKind[];
  /** The mesh configuration of binnacle.yaml. A MeshConfig object overrides it field by field. */
  readonly mesh: MeshConfig;
}

interface BookClaim extends Claim<BookValue>, BookObject {
  readonly id: RuleId;
  /** Problems of the object's current version; empty when `value` comes from it. */
  readonly problems: readonly Problem[];
}

type Checked = ReturnType<typeof bookValueOf>;

/** Key of competing claims: a rule's id, or one key for the mesh configuration, whatever the names of its objects. */
const slotOf = (id: RuleId): RuleId | typeof meshKind => (id.startsWith(`${meshKind}/`) ? meshKind : id);

/** Creates a book without rules, with `mesh` as the mesh configuration. */
export function ruleBook({ kinds, mesh: configured }: RuleBookOptions): RuleBook {
  const slots = new Map<string, Claims<BookClaim>>();
  const idsBySource = new Map<string, Set<RuleId>>();
  const rules = new Map<RuleId, Rule>();
  const listeners = new Set<(changes: readonly RuleChange[]) => void>();
  const adapterListeners: ((ids: readonly RuleId[]) => void)[] = [];
  /** Objects of adapters whose changes have not been reported. */
  const changedAdapterObjects = new Set<RuleId>();
  const prepared = new WeakMap<StoredObject, Checked>();
  let mesh = configured;

  const claimsOn = (id: RuleId): Claims<BookClaim> => slots.get(slotOf(id)) ?? [];

  const put = (source: string, object: BookObject, checkedBefore?: Checked): RuleId => {
    const { raw, stored } = object;
    const id = ruleId(raw);
    const before = claimsOn(id).find((claim) => claim.source === source && claim.id === id);
    const same = before !== undefined && isDeepStrictEqual([before.raw, before.stored], [raw, stored]);
    if (same) return id; // the rule keeps its identity: nothing is compiled again
    if (source !== storeSource) changedAdapterObjects.add(id);
    const checked = checkedBefore ?? bookValueOf(object, kinds, configured);
    const value = checked.ok ? checked.value : (before?.value ?? null);
    const problems = checked.ok ? [] : checked.error;
    const claim = { source, id, origin: raw.origin, order: precedenceOf(raw), value, problems, raw, stored };
    slots.set(slotOf(id), withClaim(claimsOn(id), claim));
    idsBySource.set(source, (idsBySource.get(source) ?? new Set()).add(id));
    return id;
  };

  const remove = (source: string, id: RuleId): RuleId => {
    if (source !== storeSource) changedAdapterObjects.add(id);
    const left = withoutClaim(claimsOn(id), { source, id });
    if (left.length === 0) slots.delete(slotOf(id));
    else slots.set(slotOf(id), left);
    const ids = idsBySource.get(source);
    ids?.delete(id);
    if (ids?.size === 0) idsBySource.delete(source);
    return id;
  };

  /** Updates the rules in effect after changes of these ids, and notifies the listeners of the differences. */
  const settle = (touched: readonly RuleId[]): void => {
    const slotsTouched = new Set(touched.map(slotOf));
    const changes = [...slotsTouched].flatMap((slot) => (slot === meshKind ? settleMesh() : settleRule(slot)));
    if (changes.length > 0) for (const listener of listeners) listener(changes);
    if (changedAdapterObjects.size === 0) return;
    const ids = [...changedAdapterObjects];
    changedAdapterObjects.clear();
    for (const listener of adapterListeners) listener(ids);
  };

  const settleRule = (id: RuleId): readonly RuleChange[] => {
    const value = winner(claimsOn(id))?.value;
    if (value?.type !== 'rule') return rules.delete(id) ? [{ type: 'rule-removed', id }] : [];
    if (rules.get(id) === value.rule) return [];
    rules.set(id, value.rule);
    return [value];
  };

  const settleMesh = (): readonly RuleChange[] => {
    const value = winner(slots.get(meshKind) ?? [])?.value;
    const now = value?.type === 'mesh' ? value.mesh : configured;
    if (isDeepStrictEqual(now, mesh)) return [];
    mesh = now;
    return [{ type: 'mesh', mesh }];
  };

  return {
    prepare(object) {
      if (!isOutsideBook(object.kind)) prepared.set(object, bookValueOf(bookObjectOfStore(object), kinds, configured));
    },
    applyStore(changes) {
      const one = (change: StoreChange) =>
        change.type === 'put'
          ? put(storeSource, bookObjectOfStore(change.object), prepared.get(change.object))
          : remove(storeSource, idOf(change.key));
      settle(changes.filter((change) => !isOutsideBook(kindOf(change))).map(one));
    },
    replace(source, objects) {
      const byId = new Map<RuleId, RawObject>();
      for (const raw of objects) if (!byId.has(ruleId(raw))) byId.set(ruleId(raw), raw);
      const gone = [...(idsBySource.get(source) ?? [])].filter((id) => !byId.has(id));
      const removed = gone.map((id) => remove(source, id));
      settle([...removed, ...[...byId.values()].map((raw) => put(source, bookObjectOfAdapter(raw)))]);
    },
    apply(source, changes) {
      const one = (change: ObjectChange) =>
        change.type === 'object' ? put(source, bookObjectOfAdapter(change.object)) : remove(source, idOf(change));
      settle(changes.map(one));
    },
    get: (id) => rules.get(id) ?? null,
    rules: () => rules.values(),
    mesh: () => mesh,
    adapterOrigin: (id) => claimsOn(id).find((claim) => claim.id === id && claim.stored === null)?.origin ?? null,
    reports(limit = 1000) {
      const found: ObjectReport[] = [];
      for (const claims of slots.values()) {
        found.push(...claims.flatMap((claim) => reportOn(claim, winner(claims))));
        if (found.length >= limit) return found.slice(0, limit);
      }
      return found;
    },
    reportOn(id) {
      const claims = claimsOn(id);
      const own = claims.find((claim) => claim.id === id); // claims of the store come first
      return own === undefined ? null : (reportOn(own, winner(claims))[0] ?? null);
    },
    adapterObject: (id) => claimsOn(id).find((claim) => claim.id === id && claim.stored === null)?.raw ?? null,
    onAdapterObjects(listener) {
      const ids = [...idsBySource].flatMap(([source, own]) => (source === storeSource ? [] : [...own]));
      adapterListeners.push(listener);
      if (ids.length > 0) listener(ids);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

const kindOf = (change: StoreChange): string => (change.type === 'put' ? change.object.kind : change.key.kind);

/** Returns no report for an object that is in effect without problems. */
function reportOn({ id, source, origin, problems }: BookClaim, first: BookClaim | null): readonly ObjectReport[] {
  if (first === null) return [{ id, source, origin, problems, inEffect: 'nothing' }];
  if (first.source === source && first.id === id) {
    return problems.length === 0 ? [] : [{ id, source, origin, problems, inEffect: 'earlier' }];
  }
  const cure = first.source === storeSource ? ': delete that one to put this one into effect' : '';
  const message = `shadowed by ${first.id} of ${first.origin}${cure}`;
  return [{ id, source, origin, problems: [...problems, { path: '', message }], inEffect: 'other' }];
}
