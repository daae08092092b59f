import { createCompiler } from '../../src/compile/compiler.ts';
import type {
  Compiler,
  Contribution,
  FlushResult,
  LayerKey,
  MovedProxies,
  TableChange,
  WorldChange,
} from '../../src/compile/contract.ts';
import type { Proxy } from '../../src/model/proxy.ts';
import { xdsTypes } from '../../src/proto/resource.ts';
import { type Contents, resource } from './conversation.ts';

// A brand only distinguishes strings.
export const layerKey = (name: string) => name as LayerKey;

const everyone: MovedProxies = {
  everyone: true,
  addresses: new Set(),
  namespaces: new Set(),
  domains: new Set(),
  conditions: new Set(),
};

const noWork = { hostsCompiled: 0, encoded: 0, assembled: 0 };

/** A compiler whose tables are filled by tests. A flush changes what was put since the last one. */
export class FakeCompiler implements Compiler {
  readonly applied: WorldChange[] = [];
  readonly closed: LayerKey[] = [];
  /** Number of steps before the last one of a flush, and the duration of each in milliseconds. */
  steps = 0;
  stepMs = 0;
  /** The value of `elapsed`. */
  elapsedMs = 0;
  /** Number of flushes that throw at their end. */
  failures = 0;
  flushes = 0;
  layersMoved = false;
  /** Number of new layers that one flush compiles. */
  newLayersPerFlush = Number.POSITIVE_INFINITY;
  /** Returns the layers of a proxy; a test may let it throw. */
  layersFor: (proxy: Proxy) => readonly string[] = () => ['scope'];
  /** Returns what contributed to a resource. */
  partsOf: Compiler['partsOf'] = () => [];
  readonly #encode: typeof resource;
  readonly #waiting = new Map<string, Contents[]>();
  readonly #open = new Set<LayerKey>();
  readonly #compiled = new Set<LayerKey>();

  constructor(encode = resource) {
    this.#encode = encode;
  }

  put(layer: string, contents: Contents): void {
    this.#waiting.set(layer, [...(this.#waiting.get(layer) ?? []), contents]);
  }

  apply(changes: readonly WorldChange[]): void {
    this.applied.push(...changes);
  }

  layersOf(proxy: Proxy): readonly LayerKey[] {
    const keys = this.layersFor(proxy).map(layerKey);
    for (const key of keys) this.#open.add(key);
    return keys;
  }

  joined(): void {}

  left(): void {}

  labelsOf({ labels }: Proxy) {
    return labels;
  }

  close(layer: LayerKey): void {
    this.#open.delete(layer);
    this.closed.push(layer);
  }

  *flush(): Generator<undefined, FlushResult, undefined> {
    this.flushes++;
    const open = [...this.#open];
    for (let step = 0; step < this.steps; step++) {
      this.elapsedMs += this.stepMs;
      yield;
    }
    if (this.failures > 0) {
      this.failures--;
      throw new Error('cannot compile');
    }
    const { layersMoved } = this;
    this.layersMoved = false;
    const deferred = this.#deferred(open);
    return {
      changes: open.filter((layer) => !deferred.has(layer)).flatMap((layer) => this.#takeChanges(layer)),
      moved: layersMoved ? everyone : null,
      deferred,
      layersCompiled: 0,
      work: noWork,
    };
  }

  contributionsOf(): readonly Contribution[] {
    return [];
  }

  layersSelecting(): readonly LayerKey[] {
    return [];
  }

  readonly mesh = createCompiler().mesh;

  onDirty(): void {}

  problems() {
    return new Map();
  }

  problemsOf(): readonly string[] {
    return [];
  }

  #deferred(open: readonly LayerKey[]): ReadonlySet<LayerKey> {
    const fresh = open.filter((layer) => !this.#compiled.has(layer));
    for (const layer of fresh.slice(0, this.newLayersPerFlush)) this.#compiled.add(layer);
    return new Set(fresh.slice(this.newLayersPerFlush));
  }

  #takeChanges(layer: LayerKey): TableChange[] {
    const contents = this.#waiting.get(layer) ?? [];
    this.#waiting.delete(layer);
    return contents.flatMap((each) =>
      xdsTypes.flatMap((type) => {
        const entries = Object.entries(each[type] ?? {});
        if (entries.length === 0) return [];
        const changed = entries.flatMap(([name, content]) =>
          content === null ? [] : [this.#encode(type, name, content)],
        );
        return [
          { layer, type, changed, removed: entries.flatMap(([name, content]) => (content === null ? [name] : [])) },
        ];
      }),
    );
  }
}
