import type { LayerKey } from '../compile/contract.ts';
import { mapTypes, type XdsType } from '../proto/resource.ts';
import type { View } from '../xds/stream/stream.ts';
import { Table } from '../xds/tables/table.ts';

/** The tables of one layer, and who uses them. */
export interface ServedLayer {
  readonly key: LayerKey;
  readonly tables: Readonly<Record<XdsType, Table>>;
  users: number;
  /** Since when nobody uses it, in milliseconds; null while somebody does. */
  idleSinceMs: number | null;
  /** The first flush that may compile it. Until that one, or a later one that it defers it to, has ended it is not to be shown. */
  readonly compiledBy: number;
  ready: boolean;
}

/** The layers that connected proxies use, and for a while those that they used. */
export class ServedLayers {
  readonly #layers = new Map<LayerKey, ServedLayer>();

  /** Holds a layer; `compiledBy` is the number of the next flush, which compiles it if it is new. */
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

  /** A flush has ended: what it compiled for the first time, and did not defer, can be shown. */
  flushEnded(flush: number, deferred: ReadonlySet<LayerKey>): void {
    for (const layer of this.#layers.values()) {
      if (layer.compiledBy <= flush && !deferred.has(layer.key)) layer.ready = true;
    }
  }

  /** Takes out the layers that nobody has used since `beforeMs`. */
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
