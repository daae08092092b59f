import type { XdsType } from '../proto/resource.ts';
import type { RuleId } from '../rules/rule.ts';
import type { ContributedPart, Contribution, LayerKey, TableChange } from './contract.ts';
import type { ProxyFacts } from './facts.ts';
import type { AssignmentPool } from './tables/assignments.ts';
import type { ContentPools } from './tables/host-parts.ts';
import type { OriginIndex } from './tables/origin-index.ts';
import type { ProblemIndex } from './tables/problem-index.ts';
import type { Dirty } from './world/dirty.ts';
import type { World } from './world/world.ts';

/** Tables shared by all proxies with equal facts: one part of their configuration. */
export interface Layer {
  readonly key: LayerKey;
  /** Marks the parts that depend on the changes. Idempotent. Returns true if there is something to compile. */
  mark(dirty: Dirty): boolean;
  /**
   * Compiles dirty parts; at first everything is dirty. `revision` is that of the result. Yields between parts.
   * Finished parts stay compiled if the generator is aborted. Problems go to `LayerParts.problems`.
   */
  compile(revision: number): Generator<undefined, void, undefined>;
  /**
   * Compiles what depends on other layers. Called in each flush after all of them are compiled. Absent if nothing does.
   */
  settle?(): Generator<undefined, void, undefined>;
  takeChanges(): readonly TableChange[];
  /** Returns the parts of a resource; none if another layer has it. */
  partsOf(type: XdsType, name: string): Iterable<ContributedPart>;
  /** Returns everything to which a rule or service contributed. */
  contributionsOf(origin: string): Iterable<Contribution>;
  /** Releases shared parts. */
  dispose(): void;
}

/**
 * Kind of layers. A proxy has at most one layer of a kind, and its facts name it: equal facts have equal bytes. A kind
 * reads only the client conditions of its own rules, so a rule splits the layers of one kind only.
 */
export interface LayerKind<Facts> {
  readonly kind: string;
  /** True if a new layer is expensive enough to wait for the next flush. Layers of other kinds are never deferred. */
  readonly mayWait: boolean;
  /**
   * Returns the facts on which a layer may depend: those of the proxy, and objects selected for it. Plain data; null if
   * the proxy has no such layer.
   */
  factsOf(proxy: ProxyFacts, world: World): Facts | null;
  /** Returns the rules whose selection is part of the facts. */
  selected(facts: Facts): readonly RuleId[];
  create(facts: Facts, parts: LayerParts): Layer;
  /** Marks the state that layers of the kind share, before each layer is marked. Absent if they share none. */
  mark?(dirty: Dirty): void;
  /** Called at the end of a flush, when the changes of its layers are collected. */
  flushed?(): void;
  /** Returns the layers to ask for contributions of a rule or service; `all` for every layer of the kind. */
  layersWith(origin: string, parts: SharedParts): Iterable<LayerKey> | 'all';
}

/** Parts shared by all layers of a compiler. */
export interface SharedParts {
  readonly world: World;
  readonly pools: ContentPools;
  readonly assignments: AssignmentPool;
  readonly problems: ProblemIndex;
  /** Layers by contributing service or rule, for kinds without a pool of whole hosts. */
  readonly layersByOrigin: OriginIndex<LayerKey>;
  /** Work of the current flush. */
  readonly work: Work;
}

export interface LayerParts extends SharedParts {
  readonly key: LayerKey;
}

/** Work that a flush has done so far. */
export interface Work {
  layersCompiled: number;
  hostsCompiled: number;
  /** Number of hosts that another scope had compiled already. */
  hostsShared: number;
  encoded: number;
  assembled: number;
}
