import { fieldPath } from '../../lib/field-path.ts';
import type { Problem } from '../rule.ts';

/**
 * Finds text that no encoding can represent: half of a surrogate pair, which JSON can write as `"\ud800"`. Reports at
 * most one problem, as people do not write such objects.
 */
export function illFormedText(value: unknown, root: string): readonly Problem[] {
  const path = find(value, []);
  return path === null ? [] : [{ path: fieldPath(root, path), message: 'must be valid Unicode' }];
}

function find(value: unknown, path: readonly PropertyKey[]): readonly PropertyKey[] | null {
  if (typeof value === 'string') return value.isWellFormed() ? null : path;
  if (typeof value !== 'object' || value === null) return null;
  for (const [key, inner] of Object.entries(value)) {
    if (!key.isWellFormed()) return path;
    const found = find(inner, [...path, Array.isArray(value) ? Number(key) : key]);
    if (found !== null) return found;
  }
  return null;
}
