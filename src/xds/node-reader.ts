import { firstText, MalformedMessage, readFields } from './wire-reader.ts';

/** What is read of an `envoy.config.core.v3.Node`. */
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

const metadataKeys = ['NAME', 'NAMESPACE', 'INSTANCE_IPS', 'CLUSTER_ID', 'NETWORK', 'INTERCEPTION_MODE'] as const;

export type MetadataKey = (typeof metadataKeys)[number];

const isRead = (key: string): key is MetadataKey => (metadataKeys as readonly string[]).includes(key);

/**
 * Reads a Node from its bytes; null when they are none. Every stream brings one, in a storm thousands at once, and it may
 * have some 500 extensions and all the labels and annotations of a pod: what nobody asks for is walked over.
 */
export function readNode(bytes: Uint8Array): NodeFacts | null {
  let [id, userAgent] = ['', ''];
  const locality = ['', '', ''];
  const texts = new Map<MetadataKey, string>();
  const labels = new Map<string, string>();
  const readLabel = (key: string, value: Uint8Array) => setOrDelete(labels, key, textOf(value));
  const readMetadata = (key: string, value: Uint8Array) => {
    if (isRead(key)) setOrDelete(texts, key, textOf(value));
    else if (key === 'LABELS') {
      labels.clear();
      readStruct(structOf(value), readLabel);
    }
  };
  try {
    readFields(bytes, (field) => {
      if (field.number === 1) id = field.text();
      else if (field.number === 6) userAgent = field.text();
      else if (field.number === 3 && field.bytes !== null) readStruct(field.bytes, readMetadata);
      else if (field.number === 4 && field.bytes !== null) readLocality(field.bytes, locality);
    });
  } catch (cause) {
    if (cause instanceof MalformedMessage) return null;
    throw cause;
  }
  return { id, userAgent, locality, labels: Object.fromEntries(labels), text: (key) => texts.get(key) ?? '' };
}

/** The last value of a key counts, as in every map on the wire. */
function setOrDelete<Key>(map: Map<Key, string>, key: Key, value: string | null): void {
  if (value === null) map.delete(key);
  else map.set(key, value);
}

/** `Locality`: region (1), zone (2), sub_zone (3). */
function readLocality(bytes: Uint8Array, into: string[]): void {
  readFields(bytes, (field) => {
    if (field.number >= 1 && field.number <= 3) into[field.number - 1] = field.text();
  });
}

/** `google.protobuf.Struct`: `fields` (1), a map of keys (1) to Values (2). */
function readStruct(struct: Uint8Array, take: (key: string, value: Uint8Array) => void): void {
  readFields(struct, (entry) => {
    if (entry.number !== 1 || entry.bytes === null) return;
    let key = '';
    let value: Uint8Array = new Uint8Array(0);
    readFields(entry.bytes, (field) => {
      if (field.number === 1) key = field.text();
      else if (field.number === 2 && field.bytes !== null) value = field.bytes;
    });
    take(key, value);
  });
}

/** Of a `google.protobuf.Value`, which is one of null (1), number (2), text (3), bool (4), struct (5), list (6). */
const textOf = (value: Uint8Array): string | null => firstText(value, 3);

/** Empty if the Value is no struct. */
function structOf(value: Uint8Array): Uint8Array {
  let struct: Uint8Array = new Uint8Array(0);
  readFields(value, ({ number, bytes }) => {
    if (number === 5 && bytes !== null) struct = bytes;
  });
  return struct;
}
