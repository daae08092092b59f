import { addTo, removeFrom } from '../lib/sets-by-key.ts';
import type { LayerKey, TableChange } from './contract.ts';
import type { Layer, LayerKind, SharedParts, Work } from './layer.ts';
import type { Dirty } from './world/dirty.ts';

interface OpenLayer {
  readonly layer: Layer;
  readonly kind: LayerKind<unknown>;
  /** Rules that select the proxies of this layer. */
  readonly selected: readonly string[];
}

/** Open layers of all views, with the sets of dirty and new ones. */
export interface OpenLayers {
  /** Returns the key of the layer of these facts. Creates the layer if it is not open. */
  open<Facts>(kind: LayerKind<Facts>, facts: Facts): LayerKey;
  close(key: LayerKey): void;
  get(key: LayerKey): OpenLayer | undefined;
  keys(): Iterable<LayerKey>;
  /** Marks dirty parts in every layer. */
  mark(dirty: Dirty): Generator<undefined, void, undefined>;
  /**
   * Compiles dirty layers, then new ones, the oldest first. Once `newHostsPerFlush` hosts were compiled, new layers that may
   * wait are left for the next call. At last, layers that depend on others are settled.
   */
  compile(revision: number, newHostsPerFlush: number): Generator<undefined, void, undefined>;
  takeChanges(): readonly TableChange[];
  /** Returns the layers that were not compiled yet. */
  uncompiled(): ReadonlySet<LayerKey>;
  /** Returns the layers of proxies that a rule selects. */
  selecting(rule: string): Iterable<LayerKey>;
}

export function createOpenLayers(shared: SharedParts): OpenLayers {
  const { work } = shared;
  const layers = new Map<LayerKey, OpenLayer>();
  const newLayers = new Set<LayerKey>();
  /** Compiled layers that must be compiled again. Outlives an aborted flush. */
  const dirtyLayers = new Set<LayerKey>();
  const layersByRule = new Map<string, Set<LayerKey>>();
  return {
    open(kind, facts) {
      const key = keyOf(kind, facts);
      if (layers.has(key)) return key;
      const selected = kind.selected(facts);
      layers.set(key, { layer: kind.create(facts, { ...shared, key }), kind, selected });
      newLayers.add(key);
      for (const rule of selected) addTo(layersByRule, rule, key);
      return key;
    },
    close(key) {
      const closed = layers.get(key);
      closed?.layer.dispose();
      for (const rule of closed?.selected ?? []) removeFrom(layersByRule, rule, key);
      layers.delete(key);
      newLayers.delete(key);
      dirtyLayers.delete(key);
    },
    get: (key) => layers.get(key),
    keys: () => layers.keys(),
    *mark(dirty) {
      for (const [key, { layer }] of layers) {
        if (layer.mark(dirty) && !newLayers.has(key)) dirtyLayers.add(key);
        yield;
      }
    },
    *compile(revision, newHostsPerFlush) {
      for (const key of dirtyLayers) {
        work.layersCompiled++;
        yield* layers.get(key)?.layer.compile(revision) ?? [];
        dirtyLayers.delete(key);
      }
      const before = costOf(work);
      for (const key of newLayers) {
        const opened = layers.get(key);
        if (opened?.kind.mayWait && costOf(work) - before >= newHostsPerFlush) continue;
        work.layersCompiled++;
        yield* opened?.layer.compile(revision) ?? [];
        newLayers.delete(key);
      }
      for (const { layer } of layers.values()) yield* layer.settle?.() ?? [];
    },
    takeChanges: () => [...layers.values()].flatMap(({ layer }) => layer.takeChanges()),
    uncompiled: () => new Set(newLayers),
    selecting: (rule) => layersByRule.get(rule) ?? [],
  };
}

// Keys are built here only. Facts are plain data, so equal facts give equal texts.
const keyOf = <Facts>({ kind }: LayerKind<Facts>, facts: Facts) => `${kind}:${JSON.stringify(facts)}` as LayerKey;

/** Cost in compiled hosts. A host shared with another layer costs a small part of a compiled one. */
const costOf = ({ hostsCompiled, hostsShared }: Work): number => hostsCompiled + hostsShared / 8;
