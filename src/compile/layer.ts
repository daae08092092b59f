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

/** The tables that all proxies with the same facts share: one part of what they are told. */
export interface Layer {
  readonly key: LayerKey;
  /** Notes what depends on the changes. Repeating it is harmless. Returns whether there is something to compile. */
  mark(dirty: Dirty): boolean;
  /**
   * Compiles what is dirty, which is everything at first; `revision` is that of the result. Yields between parts. What it has
   * done stays done if it is not run to its end. Problems go to `LayerParts.problems`.
   */
  compile(revision: number): Generator<undefined, void, undefined>;
  takeChanges(): readonly TableChange[];
  /** The parts that a resource is made of, if it is of this layer. */
  partsOf(type: XdsType, name: string): Iterable<ContributedPart>;
  /** The other way round: what a rule or service contributed to. */
  contributionsOf(origin: string): Iterable<Contribution>;
  /** Gives back what it holds of others. */
  dispose(): void;
}

/**
 * A kind of layers. Each proxy has at most one layer of a kind, which is named by its facts: equal facts, equal bytes. A kind
 * reads the conditions that its own rules put on clients, and no others: what splits one kind leaves the others alone.
 */
export interface LayerKind<Facts> {
  readonly kind: string;
  /**
   * Whether a new layer costs so much that it may have to wait for the next flush. The others do not wait for it.
   */
  readonly mayWait: boolean;
  /** Facts that a layer may depend on: those of the proxy, and objects selected for it. Plain data; null: the proxy has no such layer. */
  factsOf(proxy: ProxyFacts, world: World): Facts | null;
  /** The rules whose selection is among the facts. */
  selected(facts: Facts): readonly RuleId[];
  create(facts: Facts, parts: LayerParts): Layer;
  /** Notes what depends on the changes of what its layers have in common, before any of them does. Left out: nothing does. */
  mark?(dirty: Dirty): void;
  /** A flush has ended, and its layers' changes were taken. */
  flushed?(): void;
  /** The layers to be asked what a rule or service contributed to; `all`: those of this kind. */
  layersWith(origin: string, parts: SharedParts): Iterable<LayerKey> | 'all';
}

/** Parts that all layers of a compiler share. */
export interface SharedParts {
  readonly world: World;
  readonly pools: ContentPools;
  readonly assignments: AssignmentPool;
  readonly problems: ProblemIndex;
  /** Layers by the services and rules that they have something of, for kinds that do not shelve whole hosts. */
  readonly layersByOrigin: OriginIndex<LayerKey>;
  /** Counts what a flush does. */
  readonly work: Work;
}

export interface LayerParts extends SharedParts {
  readonly key: LayerKey;
}

/** Work that a flush has done so far. */
export interface Work {
  layersCompiled: number;
  hostsCompiled: number;
  /** Hosts that another scope had compiled already. */
  hostsShared: number;
  encoded: number;
  assembled: number;
}
