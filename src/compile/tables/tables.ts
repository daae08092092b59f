import { type EncodedResource, mapTypes, type XdsType, xdsTypes } from '../../proto/resource.ts';
import type { LayerKey, TableChange } from '../contract.ts';

/** Resources of one layer during compilation. */
export interface Tables {
  get(type: XdsType, name: string): EncodedResource | undefined;
  set(type: XdsType, resource: EncodedResource): void;
  delete(type: XdsType, name: string): void;
  /** Returns resources whose version changed since the last call, sorted by name. */
  takeChanges(): readonly TableChange[];
}

/** Tables below overlays. They keep the resources as of the last `settled`. */
export interface BaseTables extends Tables {
  names(type: XdsType): Iterable<string>;
  /** Returns the resource of a name as of the last `settled`. */
  was(type: XdsType, name: string): EncodedResource | undefined;
  /** Returns the names that may have changed since then. */
  touched(type: XdsType): Iterable<string>;
  /** Called when all overlays have taken the changes. */
  settled(): void;
}

interface TableState {
  readonly current: Map<string, EncodedResource>;
  /** Resources of touched names as of the last call. */
  readonly before: Map<string, EncodedResource | undefined>;
}

export function createTables(layer: LayerKey): BaseTables {
  const newTable = (): TableState => ({ current: new Map(), before: new Map() });
  const tables = mapTypes(newTable);
  const touch = ({ current, before }: TableState, name: string) => {
    if (!before.has(name)) before.set(name, current.get(name));
  };
  const was = (type: XdsType, name: string) => {
    const { current, before } = tables[type];
    return before.has(name) ? before.get(name) : current.get(name);
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
        const { current, before } = tables[type];
        if (before.size === 0) return [];
        const change = diffResources(
          before.keys(),
          (name) => before.get(name),
          (name) => current.get(name),
        );
        before.clear();
        return changeOf(layer, type, change);
      }),
    names: (type) => tables[type].current.keys(),
    was,
    touched: (type) => tables[type].before.keys(),
    settled() {
      for (const type of xdsTypes) tables[type].before.clear();
    },
  };
}

type Change = Pick<TableChange, 'changed' | 'removed'>;
type Lookup = (name: string) => EncodedResource | undefined;

/** Compares the resources of names by version; sorted. */
export function diffResources(names: Iterable<string>, was: Lookup, is: Lookup): Change {
  const changed: EncodedResource[] = [];
  const removed: string[] = [];
  for (const name of names) {
    const [old, now] = [was(name), is(name)];
    if (now === undefined && old !== undefined) removed.push(name);
    if (now !== undefined && now.version !== old?.version) changed.push(now);
  }
  changed.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { changed, removed: removed.sort() };
}

export const changeOf = (layer: LayerKey, type: XdsType, change: Change): readonly TableChange[] =>
  change.changed.length + change.removed.length > 0 ? [{ layer, type, ...change }] : [];
