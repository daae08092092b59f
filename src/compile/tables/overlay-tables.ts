import { type EncodedResource, mapTypes, type XdsType, xdsTypes } from '../../proto/resource.ts';
import type { LayerKey } from '../contract.ts';
import { type BaseTables, changeOf, diffResources, type Tables } from './tables.ts';

/**
 * Tables of a layer with a base. A name has the resource that is set here, else that of the base unless it is hidden.
 * Deleting a name reveals that of the base.
 */
export interface OverlayTables extends Tables {
  /** Hides or reveals the resource of a name in the base. */
  hide(type: XdsType, name: string, isHidden: boolean): void;
  /** Makes changes available to `takeChanges`: at first all resources. */
  open(): void;
}

interface OverlayTable {
  readonly own: Map<string, EncodedResource>;
  readonly hidden: Set<string>;
  /** Resources of names touched here, as of the last call of `takeChanges`. */
  readonly before: Map<string, EncodedResource | undefined>;
}

export function createOverlayTables(layer: LayerKey, base: BaseTables): OverlayTables {
  const newTable = (): OverlayTable => ({ own: new Map(), hidden: new Set(), before: new Map() });
  const tables = mapTypes(newTable);
  /** True once changes were taken. Until then all resources are new. */
  let isTaken = false;
  let isOpen = false;

  const isShown = ({ own, hidden }: OverlayTable, name: string): boolean => !own.has(name) && !hidden.has(name);
  const get = (type: XdsType, name: string) => {
    const { own, hidden } = tables[type];
    return own.get(name) ?? (hidden.has(name) ? undefined : base.get(type, name));
  };
  /** Records the resource before the first change. The base keeps its previous resources as long as this. */
  const touch = (type: XdsType, name: string) => {
    const { own, before } = tables[type];
    if (before.has(name)) return;
    before.set(name, isShown(tables[type], name) ? base.was(type, name) : own.get(name));
  };
  function* visible(type: XdsType): Generator<string> {
    for (const name of base.names(type)) if (isShown(tables[type], name)) yield name;
    yield* tables[type].own.keys();
  }
  function* touched(type: XdsType): Generator<string> {
    const { before } = tables[type];
    yield* before.keys();
    for (const name of base.touched(type)) if (!before.has(name) && isShown(tables[type], name)) yield name;
  }

  return {
    get,
    set(type, resource) {
      const { own } = tables[type];
      if (own.get(resource.name) === resource) return;
      touch(type, resource.name);
      own.set(resource.name, resource);
    },
    delete(type, name) {
      if (!tables[type].own.has(name)) return;
      touch(type, name);
      tables[type].own.delete(name);
    },
    hide(type, name, isHidden) {
      const { hidden } = tables[type];
      if (hidden.has(name) === isHidden) return;
      touch(type, name);
      if (isHidden) hidden.add(name);
      else hidden.delete(name);
    },
    open() {
      isOpen = true;
    },
    takeChanges() {
      if (!isOpen) return [];
      const changes = xdsTypes.flatMap((type) => {
        const { before } = tables[type];
        const nowOf = (name: string) => get(type, name);
        const beforeOf = (name: string) => (before.has(name) ? before.get(name) : base.was(type, name));
        const change = isTaken
          ? diffResources(touched(type), beforeOf, nowOf)
          : diffResources(visible(type), () => undefined, nowOf);
        before.clear();
        return changeOf(layer, type, change);
      });
      isTaken = true;
      return changes;
    },
  };
}
