import { isDeepStrictEqual } from 'node:util';
import type { RawObject } from '../../model/object.ts';
import type { MeshConfig } from '../mesh-config.ts';
import { type Problem, type Rule, type RuleId, type RuleKind, ruleId } from '../rule.ts';
import type { StoreChange, StoredObject } from '../store/store.ts';
import { type Claim, type Claims, storeSource, winner, withClaim, withoutClaim } from './claims.ts';
import {
  adapterObject,
  type BookObject,
  type BookValue,
  idOf,
  isOutsideBook,
  meshKind,
  precedenceOf,
  storedObject,
  valueOf,
} from './objects.ts';

/** A change of the current set, in the shapes of the compiler's `WorldChange`. */
export type RuleChange = BookValue | { readonly type: 'rule-removed'; readonly id: RuleId };

/** A change of what an adapter knows: the object part of the adapter contract's `ShardChange`. */
export type ObjectChange =
  | { readonly type: 'object'; readonly object: RawObject }
  | { readonly type: 'object-removed'; readonly kind: string; readonly namespace: string; readonly name: string };

/** What is amiss with one object, for debug views. */
export interface ObjectReport {
  readonly id: RuleId;
  readonly source: string;
  readonly origin: string;
  readonly problems: readonly Problem[];
  /** What is in effect in its place: an earlier good version of it, another source's object, or nothing. */
  readonly inEffect: 'earlier' | 'other' | 'nothing';
}

/**
 * The rules and the mesh configuration that hold now: the store's and the adapters' objects, validated and merged.
 * The store wins over adapters, the oldest among adapters. An object that turns bad keeps its last good value in
 * effect and is reported. In memory only, no I/O.
 */
export interface RuleBook {
  /**
   * Checks an object of the store ahead of the change that brings it (the same object, not an equal one), so that a
   * thousand of them need not be checked in one turn. Changes nothing.
   */
  prepare(object: StoredObject): void;
  /** Takes a store's committed changes in; meant as the listener of `RuleStore.subscribe`. */
  applyStore(changes: readonly StoreChange[]): void;
  /** An adapter's objects, listed in full. Of several with one id the first counts. */
  replace(source: string, objects: readonly RawObject[]): void;
  apply(source: string, changes: readonly ObjectChange[]): void;
  get(id: RuleId): Rule | null;
  rules(): IteratorObject<Rule>;
  mesh(): MeshConfig;
  /** Where an adapter's object of this id stands, for telling a writer that a file defines it. */
  adapterOrigin(id: RuleId): string | null;
  /** Objects with problems and shadowed ones, at most `limit` (1,000). */
  reports(limit?: number): readonly ObjectReport[];
  /** What is amiss with the store's object of this id, else with an adapter's; null when it is in effect as it is, or not there. */
  reportOn(id: RuleId): ObjectReport | null;
  /** An adapter's object of this id, as it came; of several the one that comes first. */
  filed(id: RuleId): RawObject | null;
  /** Calls `listener` at once with the ids of all objects of adapters, and then with those that came, changed or went. */
  onFiled(listener: (ids: readonly RuleId[]) => void): void;
  /** Calls `listener` with every change from now on; `rules` and `mesh` show it already. */
  subscribe(listener: (changes: readonly RuleChange[]) => void): () => void;
}

/** What the book takes for granted. */
export interface RuleBookOptions {
  readonly kinds: readonly RuleKind[];
  /** The mesh configuration of binnacle.yaml. A MeshConfig object overrides it field by field. */
  readonly mesh: MeshConfig;
}

interface Held extends Claim<BookValue>, BookObject {
  /** Of the object as it is now; empty when `value` was made of it. */
  readonly problems: readonly Problem[];
}

type Checked = ReturnType<typeof valueOf>;

/** What claims compete for: a rule's id, or the one mesh configuration, whatever its objects are named. */
const slotOf = (id: RuleId): string => (id.startsWith(`${meshKind}/`) ? meshKind : id);

/** An empty book: what is in effect is `mesh`, and no rule. */
export function ruleBook({ kinds, mesh: configured }: RuleBookOptions): RuleBook {
  const slots = new Map<string, Claims<Held>>();
  const idsBySource = new Map<string, Set<RuleId>>();
  const rules = new Map<RuleId, Rule>();
  const listeners = new Set<(changes: readonly RuleChange[]) => void>();
  const filedListeners: ((ids: readonly RuleId[]) => void)[] = [];
  /** Adapters' objects that changed and were not told of. */
  const filedChanged = new Set<RuleId>();
  const prepared = new WeakMap<StoredObject, Checked>();
  let mesh = configured;

  const claimsOn = (id: RuleId): Claims<Held> => slots.get(slotOf(id)) ?? [];

  const put = (source: string, object: BookObject, checkedBefore?: Checked): RuleId => {
    const { raw, stored } = object;
    const id = ruleId(raw);
    const before = claimsOn(id).find((claim) => claim.source === source && claim.id === id);
    const same = before !== undefined && isDeepStrictEqual([before.raw, before.stored], [raw, stored]);
    if (same) return id; // the rule keeps its identity: nothing is compiled again
    if (source !== storeSource) filedChanged.add(id);
    const checked = checkedBefore ?? valueOf(object, kinds, configured);
    const value = checked.ok ? checked.value : (before?.value ?? null);
    const problems = checked.ok ? [] : checked.error;
    const claim = { source, id, origin: raw.origin, order: precedenceOf(raw), value, problems, raw, stored };
    slots.set(slotOf(id), withClaim(claimsOn(id), claim));
    idsBySource.set(source, (idsBySource.get(source) ?? new Set()).add(id));
    return id;
  };

  const remove = (source: string, id: RuleId): RuleId => {
    if (source !== storeSource) filedChanged.add(id);
    const left = withoutClaim(claimsOn(id), { source, id });
    if (left.length === 0) slots.delete(slotOf(id));
    else slots.set(slotOf(id), left);
    const ids = idsBySource.get(source);
    ids?.delete(id);
    if (ids?.size === 0) idsBySource.delete(source);
    return id;
  };

  /** Brings the current set in line with the claims on these ids, and tells what that changed. */
  const settle = (touched: readonly RuleId[]): void => {
    const slotsTouched = new Set(touched.map(slotOf));
    const changes = [...slotsTouched].flatMap((slot) => (slot === meshKind ? settleMesh() : settleRule(slot)));
    if (changes.length > 0) for (const listener of listeners) listener(changes);
    if (filedChanged.size === 0) return;
    const ids = [...filedChanged];
    filedChanged.clear();
    for (const listener of filedListeners) listener(ids);
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
      if (!isOutsideBook(object.kind)) prepared.set(object, valueOf(storedObject(object), kinds, configured));
    },
    applyStore(changes) {
      const one = (change: StoreChange) =>
        change.type === 'put'
          ? put(storeSource, storedObject(change.object), prepared.get(change.object))
          : remove(storeSource, idOf(change.key));
      settle(changes.filter((change) => !isOutsideBook(kindOf(change))).map(one));
    },
    replace(source, objects) {
      const byId = new Map<RuleId, RawObject>();
      for (const raw of objects) if (!byId.has(ruleId(raw))) byId.set(ruleId(raw), raw);
      const gone = [...(idsBySource.get(source) ?? [])].filter((id) => !byId.has(id));
      const removed = gone.map((id) => remove(source, id));
      settle([...removed, ...[...byId.values()].map((raw) => put(source, adapterObject(raw)))]);
    },
    apply(source, changes) {
      const one = (change: ObjectChange) =>
        change.type === 'object' ? put(source, adapterObject(change.object)) : remove(source, idOf(change));
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
      const own = claims.find((claim) => claim.id === id); // the store's come first
      return own === undefined ? null : (reportOn(own, winner(claims))[0] ?? null);
    },
    filed: (id) => claimsOn(id).find((claim) => claim.id === id && claim.stored === null)?.raw ?? null,
    onFiled(listener) {
      const ids = [...idsBySource].flatMap(([source, own]) => (source === storeSource ? [] : [...own]));
      filedListeners.push(listener);
      if (ids.length > 0) listener(ids);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

const kindOf = (change: StoreChange): string => (change.type === 'put' ? change.object.kind : change.key.kind);

/** Nothing for the object that is in effect as it is. */
function reportOn({ id, source, origin, problems }: Held, first: Held | null): readonly ObjectReport[] {
  if (first === null) return [{ id, source, origin, problems, inEffect: 'nothing' }];
  if (first.source === source && first.id === id) {
    return problems.length === 0 ? [] : [{ id, source, origin, problems, inEffect: 'earlier' }];
  }
  const cure = first.source === storeSource ? ': delete that one to put this one into effect' : '';
  const message = `shadowed by ${first.id} of ${first.origin}${cure}`;
  return [{ id, source, origin, problems: [...problems, { path: '', message }], inEffect: 'other' }];
}
