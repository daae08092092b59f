/** Limits of the node data that a stream keeps. Sizes are bytes of UTF-8. */
export interface NodeLimits {
  /** Labels in `metadata.LABELS`. */
  readonly maxNodeLabels: number;
  /** Any one text: the id, a part of the locality, a name, a label's key or value. */
  readonly maxNodeFieldBytes: number;
  /** All of them together. */
  readonly maxNodeBytes: number;
}

/** Kubernetes has 317 bytes for a label's key and 63 for its value; the longest id of a sidecar has some 600. */
export const defaultNodeLimits: NodeLimits = { maxNodeLabels: 256, maxNodeFieldBytes: 1_024, maxNodeBytes: 32_768 };

/** A node is larger than its limits; the message says which field, the limit, and its key. */
export class NodeTooLarge extends Error {}

/** Counts the bytes kept of one node. */
export class NodeBudget {
  readonly #limits: NodeLimits;
  #bytes = 0;

  constructor(limits: NodeLimits) {
    this.#limits = limits;
  }

  /** @throws NodeTooLarge */
  count(field: string, value: Uint8Array | null): void {
    if (value === null) return;
    const { maxNodeFieldBytes, maxNodeBytes } = this.#limits;
    if (value.length > maxNodeFieldBytes) {
      throw tooLarge(`${field} has ${value.length} bytes`, maxNodeFieldBytes, 'maxNodeFieldBytes');
    }
    this.#bytes += value.length;
    if (this.#bytes > maxNodeBytes) {
      throw tooLarge(`node has more than ${maxNodeBytes} bytes up to ${field}`, maxNodeBytes, 'maxNodeBytes');
    }
  }

  /** @throws NodeTooLarge */
  countLabels(count: number): void {
    const { maxNodeLabels } = this.#limits;
    if (count > maxNodeLabels) {
      throw tooLarge(`node.metadata.LABELS has more than ${maxNodeLabels} labels`, maxNodeLabels, 'maxNodeLabels');
    }
  }
}

const tooLarge = (what: string, limit: number, key: keyof NodeLimits): NodeTooLarge =>
  new NodeTooLarge(`${what}: ${limit} is the most (xds.limits.${key})`);
