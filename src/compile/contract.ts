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

/** Change of one input of compilation. A value that equals the known one changes nothing. */
export type WorldChange =
  | { readonly type: 'service'; readonly service: Service }
  | { readonly type: 'service-removed'; readonly key: ServiceKey }
  /** All merged endpoints of one service. */
  | { readonly type: 'endpoints'; readonly set: EndpointSet }
  | { readonly type: 'rule'; readonly rule: Rule }
  | { readonly type: 'rule-removed'; readonly id: RuleId }
  | { readonly type: 'mesh'; readonly mesh: MeshConfig }
  | WorkloadChange;

/** Running workload as a platform reports it, by an id that is unique among platforms. */
export type WorkloadChange =
  | {
      readonly type: 'workload';
      readonly id: string;
      readonly workload: Pick<Workload, 'namespace' | 'name' | 'addresses' | 'labels'>;
      /**
       * True for a workload that registered itself as an instance of one service. Its labels are then not all labels of
       * the workload.
       */
      readonly isSelfRegistered: boolean;
    }
  | { readonly type: 'workload-removed'; readonly id: string };

/**
 * Name of a set of tables (one per resource type) that all proxies with equal facts share. A layer is a scope
 * (outbound) or a workload group (inbound). Equal keys have equal bytes, whatever the earlier changes were.
 */
export type LayerKey = Brand<string, 'LayerKey'>;

/** Changes of one table by a flush. Other names keep their resource. */
export interface TableChange {
  readonly layer: LayerKey;
  readonly type: XdsType;
  readonly changed: readonly EncodedResource[];
  readonly removed: readonly string[];
}

/** Work of a flush. The counting benchmark asserts these numbers, and `/metrics` shows them. */
export interface FlushWork {
  /** Number of hosts resolved and generated. */
  readonly hostsCompiled: number;
  /** Number of messages encoded from JSON (clusters, listeners, virtual hosts). */
  readonly encoded: number;
  /** Number of assignments and route configurations assembled from records. */
  readonly assembled: number;
}

/** Part of a resource: one virtual host of a route configuration; of other types, the whole resource. */
export interface ContributedPart {
  /** Name of the virtual host; empty for the whole resource. */
  readonly part: string;
  /** Rules and services that contributed to it. */
  readonly origins: readonly string[];
  /** Revision of its last change (see `Compiler.flush`). */
  readonly since: number;
}

/** Resource to which a rule or service contributed. */
export interface Contribution {
  readonly layer: LayerKey;
  readonly type: XdsType;
  readonly name: string;
  /** Virtual host of a route configuration; absent for the whole resource. */
  readonly part?: string;
  /**
   * Revision of the last change of the part (see `Compiler.flush`). Other parts of a route configuration may have
   * changed later. For assignments it is that of the cluster: endpoints do not count.
   */
  readonly since: number;
}

/** Set of proxies by their facts: a proxy belongs to it if any of these matches. */
export interface MovedProxies {
  readonly everyone: boolean;
  readonly addresses: ReadonlySet<string>;
  readonly namespaces: ReadonlySet<string>;
  /** DNS domains of proxies, or suffixes of them. */
  readonly domains: ReadonlySet<string>;
  /** Names of label conditions that rules put on clients. */
  readonly conditions: ReadonlySet<string>;
}

export interface FlushResult {
  /** Changed resources. A resource with an unchanged version is not listed; a new layer is listed completely. */
  readonly changes: readonly TableChange[];
  /** Connected proxies for which `layersOf` may have changed; null for none. */
  readonly moved: MovedProxies | null;
  /** New layers that are not compiled yet: another flush must follow. */
  readonly deferred: ReadonlySet<LayerKey>;
  /** Number of compiled layers, including those without changes. Changes of endpoints alone compile no layer. */
  readonly layersCompiled: number;
  readonly work: FlushWork;
}

/** Names of changed parts of the mesh, as `src/compile/world/dirty.ts` defines them. */
export interface DirtyNames {
  readonly keys: Iterable<string>;
  readonly selecting: Iterable<RuleId>;
}

/**
 * Compiled state of the mesh, for checks of rules against it. Values are immutable; each call returns the current one.
 */
export interface MeshView {
  readonly domainSuffix: string;
  mesh(): MeshConfig;
  /** Services of one hostname, in order of precedence. */
  servicesOf(host: string): readonly Service[];
  serviceHosts(): Iterable<string>;
  endpoints(key: ServiceKey): EndpointSet | undefined;
  /** Sidecars of a namespace, in order of precedence. */
  sidecars(namespace: string): readonly SidecarRule[];
}

/**
 * Compiles services, endpoints, rules and mesh configuration to encoded resources. It does no I/O and has no clock and
 * no logger. The order of changes does not matter: equal inputs give equal tables.
 */
export interface Compiler {
  /** Applies changes and marks dirty parts; compiles nothing. Must not be called between the steps of a flush. */
  apply(changes: readonly WorldChange[]): void;
  /** Returns the layers of a proxy, in the order of its view. Opens new layers, which the next flush compiles. */
  layersOf(proxy: Proxy): readonly LayerKey[];
  /**
   * Registers a connected proxy. Each `joined` needs one `left`. `moved` contains addresses of connected proxies only.
   */
  joined(proxy: Proxy): void;
  left(proxy: Proxy): void;
  /** Returns the labels of a proxy's workload, as `layersOf` reads them. See `src/compile/world/workload-labels.ts`. */
  labelsOf(proxy: Proxy): Labels;
  /** Removes a layer that no connected proxy uses. */
  close(layer: LayerKey): void;
  /**
   * Recompiles dirty parts. Yields after each part, which takes well under a millisecond, so that the caller can do
   * other work. The result is complete only at the end; nothing may be sent before. `revision` is the revision of its
   * changes, for `contributionsOf`; 0 if it is not needed. Existing layers are compiled first. New layers are compiled
   * up to a budget and deferred beyond it, so that proxies with a configuration do not wait for new ones.
   */
  flush(revision?: number): Generator<undefined, FlushResult, undefined>;
  /** Returns the parts of a resource with their origins. Traces a NACK to its rule. */
  partsOf(layer: LayerKey, type: XdsType, name: string): Iterable<ContributedPart>;
  /** Returns everything to which a rule (by id) or service (`service/namespace/host`) contributed, in all layers. */
  contributionsOf(origin: string): Iterable<Contribution>;
  /** Returns the layers of the proxies that have this Sidecar. */
  layersSelecting(rule: RuleId): Iterable<LayerKey>;
  readonly mesh: MeshView;
  /** Calls `listener` when a flush begins, with the changes of `mesh` since the previous flush. */
  onDirty(listener: (dirty: DirtyNames) => void): void;
  /** Returns problems of valid rules (a missing subset, a shadowed host) and of services, by origin. */
  problems(): ReadonlyMap<string, readonly string[]>;
  /**
   * Returns the problems of one rule (by id) or service (`service/namespace/host`), sorted. Costs O(length of the
   * list).
   */
  problemsOf(origin: string): readonly string[];
}
