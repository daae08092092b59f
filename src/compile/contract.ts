import type { Brand } from '../lib/brand.ts';
import type { EndpointSet, Workload } from '../model/endpoint.ts';
import type { ServiceKey } from '../model/names.ts';
import type { Proxy } from '../model/proxy.ts';
import type { Service } from '../model/service.ts';
import type { EncodedResource, XdsType } from '../proto/resource.ts';
import type { SidecarRule } from '../rules/kinds/sidecar/index.ts';
import type { Labels } from '../rules/labels.ts';
import type { MeshConfig } from '../rules/mesh-config.ts';
import type { Rule, RuleId } from '../rules/rule.ts';

/** One change of what everything is compiled from. A value that equals the one known already is no change. */
export type WorldChange =
  | { readonly type: 'service'; readonly service: Service }
  | { readonly type: 'service-removed'; readonly key: ServiceKey }
  /** The merged endpoints of one service, whole. */
  | { readonly type: 'endpoints'; readonly set: EndpointSet }
  | { readonly type: 'rule'; readonly rule: Rule }
  | { readonly type: 'rule-removed'; readonly id: RuleId }
  | { readonly type: 'mesh'; readonly mesh: MeshConfig }
  | WorkloadChange;

/** A running workload as a platform reports it, by an id that is unique among platforms. */
export type WorkloadChange =
  | {
      readonly type: 'workload';
      readonly id: string;
      readonly workload: Pick<Workload, 'namespace' | 'name' | 'addresses' | 'labels'>;
      /** It registered itself, as an instance of one service: its labels are not all that the workload has. */
      readonly isSelfRegistered: boolean;
    }
  | { readonly type: 'workload-removed'; readonly id: string };

/**
 * Names a set of tables (one per resource type) that every proxy with the same facts shares: a scope (what it may
 * call) or a workload group (what it serves). Equal key, equal bytes, whatever the layer was told before.
 */
export type LayerKey = Brand<string, 'LayerKey'>;

/** Changes of one table by a flush. Names not listed keep their resource. */
export interface TableChange {
  readonly layer: LayerKey;
  readonly type: XdsType;
  readonly changed: readonly EncodedResource[];
  readonly removed: readonly string[];
}

/** How much work a flush did: the counting benchmark asserts these, `/metrics` shows them. */
export interface FlushWork {
  /** Hosts resolved and generated again. */
  readonly hostsCompiled: number;
  /** Messages encoded from JSON (clusters, listeners, virtual hosts). */
  readonly encoded: number;
  /** Assignments and route configurations put together from records. */
  readonly assembled: number;
}

/** A part of a resource: one virtual host of a route configuration; of other types the resource as a whole. */
export interface ContributedPart {
  /** The name of the virtual host; empty: the resource as a whole. */
  readonly part: string;
  /** The rules and services that contributed to it. */
  readonly origins: readonly string[];
  /** The revision (see `Compiler.flush`) by which it is as it is. */
  readonly since: number;
}

/** A resource that a rule or service contributed to. */
export interface Contribution {
  readonly layer: LayerKey;
  readonly type: XdsType;
  readonly name: string;
  /** Of a route configuration: the virtual host. Left out: the resource as a whole. */
  readonly part?: string;
  /**
   * The revision (see `Compiler.flush`) by which what it contributes to is as it is. A resource that is shared (a route
   * configuration) may have changed since by others. Of assignments only their clusters' part: not their endpoints.
   */
  readonly since: number;
}

/** Proxies, by facts of theirs: every one that has any of these. */
export interface MovedProxies {
  readonly everyone: boolean;
  readonly addresses: ReadonlySet<string>;
  readonly namespaces: ReadonlySet<string>;
  /** DNS domains: those of proxies, or what they end with. */
  readonly domains: ReadonlySet<string>;
  /** Names of label conditions, as rules put them on clients. */
  readonly conditions: ReadonlySet<string>;
}

export interface FlushResult {
  /** Only real changes: a resource whose version is as before is not listed. A layer opened since is listed whole. */
  readonly changes: readonly TableChange[];
  /** Those that are connected for whom `layersOf` may answer otherwise than before; null: nobody. */
  readonly moved: MovedProxies | null;
  /** Layers that are new and not compiled yet: another flush must follow. */
  readonly deferred: ReadonlySet<LayerKey>;
  /** Layers of which something was compiled, whatever came of it; endpoints alone compile none. */
  readonly layersCompiled: number;
  readonly work: FlushWork;
}

/** Names of changed parts of the mesh, as `src/compile/world/dirty.ts` defines them. */
export interface DirtyNames {
  readonly keys: Iterable<string>;
  readonly selecting: Iterable<RuleId>;
}

/** The mesh as it is compiled, for those who check rules against it. Values are immutable; each answer is as of now. */
export interface MeshView {
  readonly domainSuffix: string;
  mesh(): MeshConfig;
  /** All services of one hostname, in order of precedence. */
  servicesOf(host: string): readonly Service[];
  serviceHosts(): Iterable<string>;
  endpoints(key: ServiceKey): EndpointSet | undefined;
  /** The Sidecars of a namespace, in order of precedence. */
  sidecars(namespace: string): readonly SidecarRule[];
}

/**
 * From services, endpoints, rules and mesh configuration to encoded resources. Pure in the sense that matters: no
 * I/O, no clock, no logger; the same changes in any order that ends in the same world give the same tables.
 */
export interface Compiler {
  /** Takes changes in and marks what is dirty; compiles nothing. Must not be called between the steps of a flush. */
  apply(changes: readonly WorldChange[]): void;
  /** The layers of a proxy, in the order of its view. Layers seen for the first time are opened and compiled by the next flush. */
  layersOf(proxy: Proxy): readonly LayerKey[];
  /**
   * A proxy is connected, or connected no longer: each `joined` is answered by one `left`. `moved` names only addresses of proxies that are.
   */
  joined(proxy: Proxy): void;
  left(proxy: Proxy): void;
  /** The labels of a proxy's workload, as `layersOf` reads them: see `src/compile/world/workload-labels.ts`. */
  labelsOf(proxy: Proxy): Labels;
  /** Forgets a layer that no connected proxy uses. */
  close(layer: LayerKey): void;
  /**
   * Recompiles what is dirty. Yields between parts, each well under a millisecond of work, so that the caller can
   * give way to other work; the result is complete only at the end, and nothing is to be shown before. `revision` is the
   * one that its changes will have, for `contributionsOf`; 0 when nobody asks. Layers that were compiled before come first; new
   * ones are compiled up to a budget, and deferred beyond it, so that who has a configuration does not wait for who has none.
   */
  flush(revision?: number): Generator<undefined, FlushResult, undefined>;
  /** The parts of a resource with the rules and services that contributed to each: a NACK is traced to its rule with this. */
  partsOf(layer: LayerKey, type: XdsType, name: string): Iterable<ContributedPart>;
  /** The other way round: what a rule (by id) or service (`service/namespace/host`) contributed to, in all layers. */
  contributionsOf(origin: string): Iterable<Contribution>;
  /** The layers of the proxies that have this Sidecar. */
  layersSelecting(rule: RuleId): Iterable<LayerKey>;
  readonly mesh: MeshView;
  /** Calls `listener` when a flush begins, with what has changed in `mesh` since the flush before. */
  onDirty(listener: (dirty: DirtyNames) => void): void;
  /** Problems of valid rules (a missing subset, a shadowed host) and of services, by origin. */
  problems(): ReadonlyMap<string, readonly string[]>;
  /** Problems of one rule (by id) or service (`service/namespace/host`), sorted. Costs as much as the list is long. */
  problemsOf(origin: string): readonly string[];
}
