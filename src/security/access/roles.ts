import { assertNever } from '../../lib/assert-never.ts';
import type { Need } from '../../model/access.ts';

/** What an identity may do. Namespaces are names, `shop-*` for all that begin so, or `*` for all. */
export interface Roles {
  /** Everything. */
  readonly admin: boolean;
  /** Rules of all namespaces, registrations, debug views, metrics, discovery. */
  readonly read: boolean;
  /** Configuration of sidecars over REST. */
  readonly discover: boolean;
  /** Also to read, as it takes that to write rules. */
  readonly writeRules: readonly string[];
  /** Also to read what is registered there. */
  readonly register: readonly string[];
}

/** Objects of the cluster (MeshConfig, Namespace) concern everybody: only an admin writes them. */
export function mayDo(roles: Roles, need: Need): boolean {
  if (roles.admin) return true;
  switch (need.type) {
    case 'nothing':
    case 'describe': // clients of Kubernetes ask for it first, and show no reason of its refusal
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

/** Null: the body will say which, so that any will do for now. Empty: none of them. */
function isIn(patterns: readonly string[], namespace: string | null): boolean {
  if (namespace === null) return patterns.length > 0;
  return namespace !== '' && patterns.some((pattern) => fits(pattern, namespace));
}

const fits = (pattern: string, namespace: string): boolean =>
  pattern.endsWith('*') ? namespace.startsWith(pattern.slice(0, -1)) : namespace === pattern;
