import type { XdsType } from '../../../src/proto/resource.ts';
import { type MeshObject, rule } from './base.ts';

/** Kind of change: of a kind of rules, of a platform's services, or of nothing but endpoints. */
export type RowKind =
  | 'VirtualService'
  | 'DestinationRule'
  | 'ServiceEntry'
  | 'WorkloadEntry'
  | 'WorkloadGroup'
  | 'Sidecar'
  | 'Gateway'
  | 'EnvoyFilter'
  | 'ProxyConfig'
  | 'PeerAuthentication'
  | 'RequestAuthentication'
  | 'AuthorizationPolicy'
  | 'Telemetry'
  | 'WasmPlugin'
  | 'TrafficExtension'
  | 'MeshConfig'
  | 'services'
  | 'endpoints';

/** A change of one field group, and the types of the resources that it reaches. */
export interface Row {
  readonly kind: RowKind;
  readonly field: string;
  /** Objects besides those of the base; one of the same name replaces it. */
  readonly before: readonly MeshObject[];
  readonly after: readonly MeshObject[];
  /** Types once all fields of the rule have effect. Until then the change reaches nothing. */
  readonly types: readonly XdsType[];
}

/** A row in which one rule changes. A spec of null: there is no rule. `beside` are objects that stay. */
export const ruleRow = (
  kind: Exclude<RowKind, 'services' | 'endpoints'>,
  field: string,
  specs: { readonly before: object | null; readonly after: object | null; readonly beside?: readonly MeshObject[] },
  types: readonly XdsType[],
): Row => {
  const { before, after, beside = [] } = specs;
  return {
    kind,
    field,
    before: [...beside, ...(before === null ? [] : [rule(kind, before)])],
    after: [...beside, ...(after === null ? [] : [rule(kind, after)])],
    types,
  };
};
