import { contentHash } from '../../../lib/hash.ts';
import type { RawObject } from '../../../model/object.ts';
import type { RuleBook } from '../../../rules/book/rule-book.ts';
import { compareText, type RuleId, type RuleKind, ruleId } from '../../../rules/rule.ts';
import type { ObjectKey, ObjectList, RuleStore, StoredObject } from '../../../rules/store.ts';

/** Annotation that names the source of an adapter's object. Such an object is read-only. */
export const definedInAnnotation = 'binnacle.io/defined-in';

/** Version of adapters' objects; the store's counter never uses it. */
const adapterVersion = '0';

/** Objects of adapters (of files, for example) in the form of stored objects. */
export interface AdapterObjects {
  get(key: ObjectKey): StoredObject | null;
  /** Lists the objects of a kind by namespace and name. Returns the same array until one of them changes. */
  list(kind: string): readonly StoredObject[];
  /** Reports added, changed and removed objects. The returned function ends the subscription. */
  subscribe(listener: (changes: readonly AdapterObjectChange[]) => void): () => void;
}

export interface AdapterObjectChange {
  readonly id: RuleId;
  readonly before: StoredObject | null;
  readonly now: StoredObject | null;
}

/** Reports whether an adapter defines the object. It can only be changed at its source. */
export const isAdapterObject = ({ metadata }: StoredObject): boolean =>
  metadata.resourceVersion === adapterVersion && metadata.annotations[definedInAnnotation] !== undefined;

export function createAdapterObjects(
  book: Pick<RuleBook, 'adapterObject' | 'onAdapterObjects'>,
  kinds: readonly RuleKind[],
): AdapterObjects {
  const byKind = new Map<string, Map<RuleId, StoredObject>>();
  const lists = new Map<string, readonly StoredObject[]>();
  const listeners = new Set<(changes: readonly AdapterObjectChange[]) => void>();

  const take = (ids: Iterable<RuleId>): readonly AdapterObjectChange[] =>
    [...ids].flatMap((id) => {
      const kind = id.slice(0, id.indexOf('/'));
      const own = byKind.get(kind) ?? new Map<RuleId, StoredObject>();
      const [before, now] = [own.get(id) ?? null, shown(book.adapterObject(id), kinds)];
      if (before === null && now === null) return [];
      lists.delete(kind);
      if (now === null) own.delete(id);
      else own.set(id, now);
      if (own.size === 0) byKind.delete(kind);
      else byKind.set(kind, own);
      return [{ id, before, now }];
    });

  book.onAdapterObjects((ids) => {
    const changes = take(ids);
    if (changes.length > 0) for (const listener of listeners) listener(changes);
  });

  return {
    get: ({ kind, ...metadata }) => byKind.get(kind)?.get(ruleId({ kind, metadata })) ?? null,
    list(kind) {
      const known = lists.get(kind);
      if (known !== undefined) return known;
      const list = [...(byKind.get(kind)?.values() ?? [])].sort(byName);
      lists.set(kind, list);
      return list;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Adds objects of adapters to a store. A stored object hides an adapter's object of its name, as in effect. */
export function withAdapterObjects(store: RuleStore, adapterObjects: AdapterObjects): RuleStore {
  const merged = new Map<
    string,
    { readonly of: readonly [unknown, unknown]; readonly items: readonly StoredObject[] }
  >();
  return {
    ...store,
    transact: (writes, options) => store.transact(writes, options),
    get: async (key) => (await store.get(key)) ?? adapterObjects.get(key),
    async list(kind, namespace): Promise<ObjectList> {
      const { items, resourceVersion } = await store.list(kind, namespace);
      const others = adapterObjects.list(kind);
      if (others.length === 0) return { items, resourceVersion };
      const place = `${kind}/${namespace ?? '*'}`;
      const known = merged.get(place);
      if (known?.of[0] === items && known.of[1] === others) return { items: known.items, resourceVersion };
      const names = new Set(items.map(nameOf));
      const added = others.filter(
        (one) => (namespace === undefined || one.metadata.namespace === namespace) && !names.has(nameOf(one)),
      );
      const all = [...items, ...added].sort(byName);
      merged.set(place, { of: [items, others], items: all });
      return { items: all, resourceVersion };
    },
  };
}

const nameOf = ({ metadata }: StoredObject): string => `${metadata.namespace}/${metadata.name}`;

const byName = (a: StoredObject, b: StoredObject): number =>
  compareText(a.metadata.namespace, b.metadata.namespace) || compareText(a.metadata.name, b.metadata.name);

/** Converts a raw object; null if its kind is not served (Istio's mesh configuration is a ConfigMap). */
function shown(raw: RawObject | null, kinds: readonly RuleKind[]): StoredObject | null {
  if (raw === null) return null;
  const { kind, apiVersion, metadata, spec, origin } = raw;
  const served = kinds.find((one) => one.kind === kind);
  if (served === undefined || !apiVersion.startsWith(`${served.group}/`)) return null;
  return {
    kind,
    apiVersion,
    metadata: {
      name: metadata.name,
      namespace: metadata.namespace,
      labels: metadata.labels,
      annotations: { ...metadata.annotations, [definedInAnnotation]: origin },
      creationTimestamp: metadata.creationTimestamp,
      generation: 1,
      resourceVersion: adapterVersion,
      uid: contentHash(ruleId(raw)),
    },
    // Unchecked: adapters' objects are shown even if invalid.
    spec: typeof spec === 'object' && spec !== null ? spec : {},
  };
}
