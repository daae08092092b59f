import { type EncodedResource, type XdsType, xdsTypes } from '../../proto/resource.ts';
import type { LayerKey, TableChange } from '../contract.ts';

/** The resources of one layer while they are being compiled, with what they were at the last flush. */
export interface Tables {
  get(type: XdsType, name: string): EncodedResource | undefined;
  set(type: XdsType, resource: EncodedResource): void;
  delete(type: XdsType, name: string): void;
  /** What is different from the last call, by version; sorted by name. */
  takeChanges(): readonly TableChange[];
}

interface Table {
  readonly current: Map<string, EncodedResource>;
  /** What touched names were at the last call. */
  readonly before: Map<string, EncodedResource | undefined>;
}

export function createTables(layer: LayerKey): Tables {
  const table = (): Table => ({ current: new Map(), before: new Map() });
  const tables: Record<XdsType, Table> = { cluster: table(), endpoint: table(), listener: table(), route: table() };
  const touch = ({ current, before }: Table, name: string) => {
    if (!before.has(name)) before.set(name, current.get(name));
  };
  return {
    get: (type, name) => tables[type].current.get(name),
    set(type, resource) {
      if (tables[type].current.get(resource.name) === resource) return;
      touch(tables[type], resource.name);
      tables[type].current.set(resource.name, resource);
    },
    delete(type, name) {
      if (!tables[type].current.has(name)) return;
      touch(tables[type], name);
      tables[type].current.delete(name);
    },
    takeChanges: () =>
      xdsTypes.flatMap((type) => {
        const change = compareTable(tables[type]);
        tables[type].before.clear();
        return change.changed.length + change.removed.length > 0 ? [{ layer, type, ...change }] : [];
      }),
  };
}

function compareTable({ current, before }: Table): Pick<TableChange, 'changed' | 'removed'> {
  const changed: EncodedResource[] = [];
  const removed: string[] = [];
  for (const [name, old] of before) {
    const now = current.get(name);
    if (now === undefined && old !== undefined) removed.push(name);
    if (now !== undefined && now.version !== old?.version) changed.push(now);
  }
  changed.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { changed, removed: removed.sort() };
}
