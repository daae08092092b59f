import type { Governance } from '../../../src/dubbo/governance/governance.ts';
import { contentHash } from '../../../src/lib/hash.ts';
import type { Result } from '../../../src/lib/result.ts';
import type { Catalog, CatalogEntry } from '../catalog.ts';
import type { NodeChange, TreeSpec } from '../tree/mirror.ts';

/** Way in which some framework lays its services out in a tree. */
export interface Layout {
  readonly trees: readonly LayoutTree[];
}

export interface LayoutTree extends TreeSpec {
  /** Applies a change of a node to the catalog. */
  readonly apply: (change: NodeChange) => void;
}

/** Receivers of what layouts find. */
export interface LayoutContext {
  readonly catalog: Catalog;
  /** Rules of Dubbo. */
  readonly governance: Governance;
  /** Root of everything: empty, or a path without a slash at its end. */
  readonly chroot: string;
  /** Reports what is wrong with the entry of a path, or null if nothing is. */
  readonly report: (origin: string, message: string | null) => void;
}

/** Longest origin of a problem: names of nodes are whole URLs. */
const maxOrigin = 300;

/** Returns the path of a node, for people. */
export const originOf = (root: string, names: readonly string[]): string => shortOrigin([root, ...names].join('/'));

/** Shortens a long path; two paths stay different. */
export const shortOrigin = (path: string): string =>
  path.length > maxOrigin ? `${path.slice(0, maxOrigin)}… (${contentHash(path).slice(0, 6)})` : path;

/** Joins a chroot and a path that begins with a slash. */
export const below = (chroot: string, path: string): string => `${chroot}${path}`.replace(/\/+$/, '');

/** Change of an instance's node, with the root of its tree and the folder of its service. */
export interface InstanceChange {
  readonly change: NodeChange;
  readonly root: string;
  readonly folder: string;
}

/** Applies a change of an instance's node to the catalog: its entries, or the reason why it has none. */
export function applyInstanceNode(
  { change, root, folder }: InstanceChange,
  { catalog, report }: LayoutContext,
  read: (data: Buffer, place: string) => Result<readonly CatalogEntry[], string>,
): void {
  const source = [root, ...change.names].join('/'); // whole: origins of long paths are cut and may be equal
  const origin = originOf(root, change.names);
  if (change.type === 'removed') {
    catalog.remove(source);
    report(origin, null);
    return;
  }
  const place = [root, ...change.names.slice(0, -1)].join('/');
  const entries = read(change.data ?? Buffer.alloc(0), place);
  report(origin, entries.ok ? null : entries.error);
  if (entries.ok) catalog.put(source, folder, entries.value);
}
