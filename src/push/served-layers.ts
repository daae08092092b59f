import type { LayerKey } from '../compile/contract.ts';
import { mapTypes, type XdsType } from '../proto/resource.ts';
import type { View } from '../xds/stream/stream.ts';
import { Table } from '../xds/tables/table.ts';

/** Tables of one layer, with the number of their users. */
export interface ServedLayer {
  readonly key: LayerKey;
  readonly tables: Readonly<Record<XdsType, Table>>;
  users: number;
  /** Time since which it has no users, in milliseconds; null while it has some. */
  idleSinceMs: number | null;
  /**
   * First flush that may compile it. It is ready when that flush, or a later one to which it was deferred, has ended.
   */
  readonly compiledBy: number;
  ready: boolean;
}

/** Layers that connected proxies use, or used until recently. */
export class ServedLayers {
  readonly #layers = new Map<LayerKey, ServedLayer>();

  /** Adds a user of a layer. `compiledBy` is the number of the next flush, which compiles a new layer. */
  acquire(key: LayerKey, compiledBy: number): ServedLayer {
    let layer = this.#layers.get(key);
    if (layer === undefined) {
      layer = { key, tables: newTables(), users: 0, idleSinceMs: null, compiledBy, ready: false };
      this.#layers.set(key, layer);
    }
    layer.users++;
    layer.idleSinceMs = null;
    return layer;
  }

  release(layer: ServedLayer, nowMs: number): void {
    if (--layer.users === 0) layer.idleSinceMs = nowMs;
  }

  get(key: LayerKey): ServedLayer | undefined {
    return this.#layers.get(key);
  }

  all(): IterableIterator<ServedLayer> {
    return this.#layers.values();
  }

  /** Marks layers as ready that the flush compiled for the first time and did not defer. */
  flushEnded(flush: number, deferred: ReadonlySet<LayerKey>): void {
    for (const layer of this.#layers.values()) {
      if (layer.compiledBy <= flush && !deferred.has(layer.key)) layer.ready = true;
    }
  }

  /** Removes and returns the layers without users since `beforeMs`. */
  takeIdle(beforeMs: number): ServedLayer[] {
    const idle = [...this.#layers.values()].filter(
      (layer) => layer.idleSinceMs !== null && layer.idleSinceMs <= beforeMs,
    );
    for (const layer of idle) this.#layers.delete(layer.key);
    return idle;
  }
}

/** Returns the view of a stream: per type the tables of its layers, in order. */
export const viewOf = (layers: readonly ServedLayer[]): View =>
  mapTypes((type) => layers.map((layer) => layer.tables[type]));

const newTables = (): ServedLayer['tables'] => mapTypes((type) => new Table(type));
