import type { Clock } from '../../../lib/clock.ts';
import { contentHash } from '../../../lib/hash.ts';
import { compareText, type RuleKind } from '../../../rules/rule.ts';
import type { ObjectKey, RuleStore, StoredObject, StoreWrite } from '../../../rules/store.ts';
import { isNamespaceKind } from '../options.ts';

/** Store in which a namespace exists as soon as it contains an object. */
export interface NamespacedStore extends RuleStore {
  /** Lists the objects of a namespace. */
  contentsOf(namespace: string): Promise<readonly ObjectKey[]>;
}

/** Namespace that always exists, as in Kubernetes: tools default to it. */
export const defaultNamespace = 'default';

interface NamespaceContents {
  readonly keys: ObjectKey[];
  oldest: string;
}

/**
 * Shows namespaces that nobody created: `default`, and all that contain an object. They have only a name and the
 * creation time of their oldest object. Changing one stores it as a separate object.
 */
export function namespacedStore(
  store: RuleStore,
  { kinds, clock }: { readonly kinds: readonly RuleKind[]; readonly clock: Clock },
): NamespacedStore {
  const kind = kinds.find(isNamespaceKind);
  const others = kinds.filter(({ scope }) => scope === 'namespaced');
  const startedAt = new Date(clock.now()).toISOString();
  let seen: { readonly items: readonly unknown[]; readonly contents: ReadonlyMap<string, NamespaceContents> } | null =
    null;

  const contents = async (): Promise<ReadonlyMap<string, NamespaceContents>> => {
    const lists = await Promise.all(others.map((one) => store.list(one.kind)));
    // A list is unchanged if it holds the same arrays.
    const items = lists.map((list) => list.items);
    if (seen !== null && items.every((one, index) => one === seen?.items[index])) return seen.contents;
    const found = contentsByNamespace(items.flat());
    seen = { items, contents: found };
    return found;
  };

  /** Builds the namespace as shown without a stored object; null if it is not shown. */
  const implied = async (name: string): Promise<StoredObject | null> => {
    const content = (await contents()).get(name);
    if (content === undefined && name !== defaultNamespace) return null;
    return impliedNamespace(name, content?.oldest ?? startedAt);
  };

  const isImplied = async (key: ObjectKey, expected: string | null): Promise<boolean> =>
    key.kind === kind?.kind &&
    (expected === null || expected === impliedVersion) &&
    (await store.get(key)) === null &&
    (await implied(key.name)) !== null;

  return {
    ...store,
    async get(key) {
      const object = await store.get(key);
      return object !== null || key.kind !== kind?.kind || key.namespace !== '' ? object : implied(key.name);
    },
    async list(name, namespace) {
      const list = await store.list(name, namespace);
      if (name !== kind?.kind) return list;
      const made = new Set(list.items.map(({ metadata }) => metadata.name));
      const names = new Set([...(await contents()).keys(), defaultNamespace]);
      const shown = await Promise.all([...names].filter((one) => !made.has(one)).map(implied));
      const items = [...list.items, ...shown.filter((one) => one !== null)];
      return { ...list, items: items.sort((a, b) => compareText(a.metadata.name, b.metadata.name)) };
    },
    async update(draft, options) {
      const key = { kind: draft.kind, namespace: draft.metadata.namespace, name: draft.metadata.name };
      return (await isImplied(key, options.expectedResourceVersion))
        ? store.create(draft, options)
        : store.update(draft, options);
    },
    async transact(writes, options) {
      const toWrite = async (write: StoreWrite): Promise<StoreWrite> => {
        if (write.type !== 'update' || write.draft.kind !== kind?.kind) return write;
        const { draft, expectedResourceVersion } = write;
        const key = { kind: draft.kind, namespace: draft.metadata.namespace, name: draft.metadata.name };
        return (await isImplied(key, expectedResourceVersion)) ? { type: 'apply', draft } : write;
      };
      const needsLook = writes.some((write) => write.type === 'update' && write.draft.kind === kind?.kind);
      return store.transact(needsLook ? await Promise.all(writes.map(toWrite)) : writes, options);
    },
    async contentsOf(namespace) {
      return (await contents()).get(namespace)?.keys ?? [];
    },
  };
}

/** Version of namespaces that were never written; the store's counter never uses it. */
const impliedVersion = '0';

const impliedNamespace = (name: string, creationTimestamp: string): StoredObject => ({
  kind: 'Namespace',
  apiVersion: 'v1',
  metadata: {
    name,
    namespace: '',
    labels: {},
    annotations: {},
    creationTimestamp,
    generation: 1,
    resourceVersion: impliedVersion,
    uid: contentHash(`Namespace/${name}`),
  },
  spec: {},
});

function contentsByNamespace(objects: readonly StoredObject[]): ReadonlyMap<string, NamespaceContents> {
  const found = new Map<string, NamespaceContents>();
  for (const { kind, metadata } of objects) {
    const { namespace, name, creationTimestamp } = metadata;
    const key = { kind, namespace, name };
    const known = found.get(namespace);
    if (known === undefined) found.set(namespace, { keys: [key], oldest: creationTimestamp });
    else {
      if (creationTimestamp < known.oldest) known.oldest = creationTimestamp;
      known.keys.push(key);
    }
  }
  return found;
}
