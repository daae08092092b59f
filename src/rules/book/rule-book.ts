import { isDeepStrictEqual } from 'node:util';
import type { RawObject } from '../../model/object.ts';
import type { MeshConfig } from '../mesh-config.ts';
import { type Problem, type Rule, type RuleId, type RuleKind, ruleId } from '../rule.ts';
import type { StoreChange, StoredObject } from '../store.ts';
import { type BookClaim, type CheckedValue, createClaimTable, slotOf } from './claim-table.ts';
import { storeSource, winner } from './claims.ts';
import {
  type BookValue,
  bookObjectOfAdapter,
  bookObjectOfStore,
  bookValueOf,
  idOf,
  isOutsideBook,
  meshKind,
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

/** Creates a book without rules, with `mesh` as the mesh configuration. */
export function ruleBook({ kinds, mesh: configured }: RuleBookOptions): RuleBook {
  const claims = createClaimTable({
    check: (object) => bookValueOf(object, kinds, configured),
    readsLabels: (name) => kinds.find(({ kind }) => kind === name)?.readsLabels === true,
  });
  const { claimsOn } = claims;
  const rules = new Map<RuleId, Rule>();
  const listeners = new Set<(changes: readonly RuleChange[]) => void>();
  const adapterListeners: ((ids: readonly RuleId[]) => void)[] = [];
  const prepared = new WeakMap<StoredObject, CheckedValue>();
  let mesh = configured;

  /** Updates the rules in effect after changes of these ids, and notifies the listeners of the differences. */
  const settle = (touched: readonly RuleId[]): void => {
    const slotsTouched = new Set(touched.map(slotOf));
    const changes = [...slotsTouched].flatMap((slot) => (slot === meshKind ? settleMesh() : settleRule(slot)));
    if (changes.length > 0) for (const listener of listeners) listener(changes);
    const ids = claims.takeChangedAdapterObjects();
    if (ids.length === 0) return;
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
    const value = winner(claims.onMesh())?.value;
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
          ? claims.put(storeSource, bookObjectOfStore(change.object), prepared.get(change.object))
          : claims.remove(storeSource, idOf(change.key));
      settle(changes.filter((change) => !isOutsideBook(kindOf(change))).map(one));
    },
    replace(source, objects) {
      const byId = new Map<RuleId, RawObject>();
      for (const raw of objects) if (!byId.has(ruleId(raw))) byId.set(ruleId(raw), raw);
      const gone = claims.idsOf(source).filter((id) => !byId.has(id));
      const removed = gone.map((id) => claims.remove(source, id));
      settle([...removed, ...[...byId.values()].map((raw) => claims.put(source, bookObjectOfAdapter(raw)))]);
    },
    apply(source, changes) {
      const one = (change: ObjectChange) =>
        change.type === 'object'
          ? claims.put(source, bookObjectOfAdapter(change.object))
          : claims.remove(source, idOf(change));
      settle(changes.map(one));
    },
    get: (id) => rules.get(id) ?? null,
    rules: () => rules.values(),
    mesh: () => mesh,
    adapterOrigin: (id) => claimsOn(id).find((claim) => claim.id === id && claim.stored === null)?.origin ?? null,
    reports(limit = 1000) {
      const found: ObjectReport[] = [];
      for (const slot of claims.all()) {
        found.push(...slot.flatMap((claim) => reportOn(claim, winner(slot))));
        if (found.length >= limit) return found.slice(0, limit);
      }
      return found;
    },
    reportOn(id) {
      const slot = claimsOn(id);
      const own = slot.find((claim) => claim.id === id); // claims of the store come first
      return own === undefined ? null : (reportOn(own, winner(slot))[0] ?? null);
    },
    adapterObject: (id) => claimsOn(id).find((claim) => claim.id === id && claim.stored === null)?.raw ?? null,
    onAdapterObjects(listener) {
      const ids = claims.adapterIds();
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
