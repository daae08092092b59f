import type { NodeEvent } from '../client/protocol.ts';

/** Parts of a node that are read. Null for a node that does not matter, with all below it. */
export type NodeInterest = 'children' | 'data' | 'existence' | null;

/** Tree that is followed. */
export interface TreeSpec {
  /** Absolute path without a slash at its end. */
  readonly root: string;
  /** Tells what is read of a node. The root itself has no names and is listed always. */
  readonly interestIn: (names: readonly string[]) => NodeInterest;
}

/** Read that the mirror needs. */
export interface NodeRead {
  readonly what: 'children' | 'data';
  readonly path: string;
}

/** Change of a node below the root. A node whose data matter is there once they were read. */
export type NodeChange =
  | { readonly type: 'put'; readonly names: readonly string[]; readonly data: Buffer | null }
  | { readonly type: 'removed'; readonly names: readonly string[] };

interface Node {
  readonly names: readonly string[];
  readonly interest: Exclude<NodeInterest, null>;
  readonly children: Set<string>;
  data: Buffer | null;
  isPublished: boolean;
}

/**
 * Copy of a tree, made of listings, data and events in the order in which the server sent them. A server sends the event
 * of a change before any answer that shows the change.
 */
export class Mirror {
  readonly root: string;
  readonly #interestIn: TreeSpec['interestIn'];
  readonly #nodes = new Map<string, Node>();
  #changes: NodeChange[] = [];

  constructor({ root, interestIn }: TreeSpec) {
    this.root = root;
    this.#interestIn = interestIn;
    this.#nodes.set(root, { names: [], interest: 'children', children: new Set(), data: null, isPublished: true });
  }

  /** Reports whether a path is in this tree. */
  covers(path: string): boolean {
    return path === this.root || path.startsWith(`${this.root}/`);
  }

  /** Returns the reads that begin a comparison with the server. What it no longer has is removed as listings come in. */
  restart(): readonly NodeRead[] {
    return [{ what: 'children', path: this.root }];
  }

  /** Applies an event and returns what has to be read because of it. */
  receive({ type, path }: NodeEvent): readonly NodeRead[] {
    switch (type) {
      case 'created': {
        const parent = path === this.root ? undefined : this.#nodes.get(parentOf(path));
        if (path === this.root) return this.restart();
        return parent?.interest === 'children' ? this.#add(parent, path) : [];
      }
      case 'deleted':
        this.#remove(path);
        return [];
      default: {
        const node = this.#nodes.get(path);
        return node?.interest === 'data' ? [{ what: 'data', path }] : [];
      }
    }
  }

  /** Applies a listing; null if the node does not exist. Returns what has to be read next. */
  listed(path: string, children: readonly string[] | null): readonly NodeRead[] {
    const node = this.#nodes.get(path);
    if (node === undefined) return []; // deleted meanwhile
    if (children === null) {
      this.#remove(path);
      return [];
    }
    const present = new Set(children);
    for (const name of node.children) if (!present.has(name)) this.#remove(`${path}/${name}`);
    return children.flatMap((name) => this.#add(node, `${path}/${name}`));
  }

  /** Applies a node's data; null if it does not exist. */
  read(path: string, data: Buffer | null): void {
    const node = this.#nodes.get(path);
    if (node === undefined) return;
    if (data === null) this.#remove(path);
    else if (!node.isPublished || node.data?.equals(data) !== true) {
      node.data = data;
      this.#publish(node);
    }
  }

  /** Returns the changes since the last call, in order. */
  takeChanges(): readonly NodeChange[] {
    const changes = this.#changes;
    this.#changes = [];
    return changes;
  }

  #add(parent: Node, path: string): readonly NodeRead[] {
    const name = path.slice(path.lastIndexOf('/') + 1);
    const known = this.#nodes.get(path);
    const names = known?.names ?? [...parent.names, name];
    const interest = known?.interest ?? this.#interestIn(names);
    if (interest === null) return [];
    if (known === undefined) {
      const node: Node = { names, interest, children: new Set(), data: null, isPublished: false };
      parent.children.add(name);
      this.#nodes.set(path, node);
      if (interest !== 'data') this.#publish(node);
    }
    return interest === 'existence' ? [] : [{ what: interest, path }];
  }

  #publish(node: Node): void {
    node.isPublished = true;
    this.#changes.push({ type: 'put', names: node.names, data: node.data });
  }

  /** Removes a node and all below it, the deepest first. The root stays, without children. */
  #remove(path: string): void {
    const node = this.#nodes.get(path);
    if (node === undefined) return;
    for (const name of node.children) this.#remove(`${path}/${name}`);
    if (path === this.root) return;
    this.#nodes.delete(path);
    this.#nodes.get(parentOf(path))?.children.delete(path.slice(path.lastIndexOf('/') + 1));
    if (node.isPublished) this.#changes.push({ type: 'removed', names: node.names });
  }
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));
