import { err, ok, type Result } from '../../lib/result.ts';
import { NodeBudget, type NodeLimits, NodeTooLarge } from './node-limits.ts';
import { firstBytes, MalformedMessage, readFields, textOf } from './wire-reader.ts';

/** Facts read from an `envoy.config.core.v3.Node`. */
export interface NodeFacts {
  readonly id: string;
  readonly userAgent: string;
  /** Region, zone and sub-zone, as far as they are given. */
  readonly locality: readonly string[];
  /** `metadata.LABELS`: those that are text. */
  readonly labels: Readonly<Record<string, string>>;
  /** A text of `metadata`; empty when there is none. */
  text(key: MetadataKey): string;
}

const metadataKeys = [
  'NAME',
  'NAMESPACE',
  'SERVICE_ACCOUNT',
  'INSTANCE_IPS',
  'CLUSTER_ID',
  'NETWORK',
  'INTERCEPTION_MODE',
  'DNS_CAPTURE',
  'AUTO_REGISTER_GROUP',
] as const;

export type MetadataKey = (typeof metadataKeys)[number];

/** Longer metadata keys are skipped. */
const longestRead = Math.max(...metadataKeys.map(({ length }) => length));

const isRead = (key: string): key is MetadataKey => (metadataKeys as readonly string[]).includes(key);

/**
 * Reads a Node from its bytes, or returns the reason against it. Thousands may come at once, each with some 500 extensions and
 * all labels and annotations of a pod: unused fields are skipped.
 */
export function readNode(bytes: Uint8Array, limits: NodeLimits): Result<NodeFacts, string> {
  try {
    return ok(read(bytes, new NodeBudget(limits)));
  } catch (cause) {
    if (cause instanceof MalformedMessage) return err('the node of the first request is malformed');
    if (cause instanceof NodeTooLarge) return err(cause.message);
    throw cause;
  }
}

function read(bytes: Uint8Array, account: NodeBudget): NodeFacts {
  let [id, userAgent] = ['', ''];
  const locality = ['', '', ''];
  const texts = new Map<MetadataKey, string>();
  const labels = new Map<string, string>();
  let labelsRead = 0;
  /** Counted before its text is made. */
  const kept = (name: string, value: Uint8Array | null): string | null => {
    account.count(name, value);
    return value === null ? null : textOf(value);
  };
  const readLabel = (key: Uint8Array, value: Uint8Array) => {
    account.countLabels(++labelsRead);
    const name = kept('a key of node.metadata.LABELS', key) ?? '';
    setOrDelete(labels, name, kept(`node.metadata.LABELS["${name.slice(0, 100)}"]`, textValueOf(value)));
  };
  const readMetadata = (keyBytes: Uint8Array, value: Uint8Array) => {
    if (keyBytes.length > longestRead) return;
    const key = textOf(keyBytes);
    if (isRead(key)) setOrDelete(texts, key, kept(`node.metadata.${key}`, textValueOf(value)));
    else if (key === 'LABELS') {
      labels.clear();
      labelsRead = 0;
      readStruct(structOf(value), readLabel);
    }
  };
  readFields(bytes, (field) => {
    if (field.number === 1) id = kept('node.id', field.bytes) ?? '';
    else if (field.number === 6) userAgent = kept('node.user_agent_name', field.bytes) ?? '';
    else if (field.number === 3 && field.bytes !== null) readStruct(field.bytes, readMetadata);
    else if (field.number === 4 && field.bytes !== null) readLocality(field.bytes, locality, kept);
  });
  return { id, userAgent, locality, labels: Object.fromEntries(labels), text: (key) => texts.get(key) ?? '' };
}

/** The last value of a key counts, as in every map on the wire. */
function setOrDelete<Key>(map: Map<Key, string>, key: Key, value: string | null): void {
  if (value === null) map.delete(key);
  else map.set(key, value);
}

/** `Locality`: region (1), zone (2), sub_zone (3). */
function readLocality(
  bytes: Uint8Array,
  into: string[],
  kept: (name: string, value: Uint8Array | null) => string | null,
): void {
  readFields(bytes, (field) => {
    if (field.number >= 1 && field.number <= 3) into[field.number - 1] = kept('node.locality', field.bytes) ?? '';
  });
}

/** `google.protobuf.Struct`: `fields` (1), a map of keys (1) to Values (2). */
function readStruct(struct: Uint8Array, take: (key: Uint8Array, value: Uint8Array) => void): void {
  readFields(struct, (entry) => {
    if (entry.number !== 1 || entry.bytes === null) return;
    let key = nothing;
    let value = nothing;
    readFields(entry.bytes, (field) => {
      if (field.number === 1) key = field.bytes ?? nothing;
      else if (field.number === 2 && field.bytes !== null) value = field.bytes;
    });
    take(key, value);
  });
}

/**
 * Returns the text of a `google.protobuf.Value`, which is one of null (1), number (2), text (3), bool (4), struct (5),
 * list (6).
 */
const textValueOf = (value: Uint8Array): Uint8Array | null => firstBytes(value, 3);

/** Empty if the Value is no struct. */
function structOf(value: Uint8Array): Uint8Array {
  let struct = nothing;
  readFields(value, ({ number, bytes }) => {
    if (number === 5 && bytes !== null) struct = bytes;
  });
  return struct;
}

const nothing: Uint8Array = new Uint8Array(0);
