import { assertNever } from '../../lib/assert-never.ts';
import type { Need } from '../../model/access.ts';

/** Permissions of an identity. Namespaces are names, prefixes such as `shop-*`, or `*` for all. */
export interface Roles {
  /** Permits everything. */
  readonly admin: boolean;
  /** Permits reading rules of all namespaces, registrations, debug views, metrics and discovery. */
  readonly read: boolean;
  /** Permits fetching sidecar configuration over REST. */
  readonly discover: boolean;
  /** Namespaces whose rules may be written. Includes `read`, because writing rules requires it. */
  readonly writeRules: readonly string[];
  /** Namespaces whose registrations may be written and read. */
  readonly register: readonly string[];
}

/** Decides a permission. Cluster-scoped objects (MeshConfig, Namespace) affect everybody: only an admin writes them. */
export function mayDo(roles: Roles, need: Need): boolean {
  if (roles.admin) return true;
  switch (need.type) {
    case 'nothing':
    case 'describe': // Kubernetes clients request it first and hide the reason of a rejection
      return true;
    case 'read':
      return reads(roles);
    case 'discover':
      return reads(roles) || roles.discover;
    case 'read-registrations':
      return reads(roles) || isIn(roles.register, need.namespace);
    case 'write-rules':
      return isIn(roles.writeRules, need.namespace);
    case 'register':
      return isIn(roles.register, need.namespace);
    case 'admin':
      return false;
    default:
      return assertNever(need);
  }
}

const reads = (roles: Roles): boolean => roles.read || roles.writeRules.length > 0;

/** Matches a namespace. Null, when the body will name it, matches if any namespace would; empty matches none. */
function isIn(patterns: readonly string[], namespace: string | null): boolean {
  if (namespace === null) return patterns.length > 0;
  return namespace !== '' && patterns.some((pattern) => fits(pattern, namespace));
}

const fits = (pattern: string, namespace: string): boolean =>
  pattern.endsWith('*') ? namespace.startsWith(pattern.slice(0, -1)) : namespace === pattern;
