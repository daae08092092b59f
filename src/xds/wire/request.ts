import { typeUrls, type XdsType, xdsTypes } from '../../proto/resource.ts';
import { readFields } from './wire-reader.ts';

/** Fields of both kinds of request. Byte fields are views of the message: copy them to keep them. */
interface RequestHead {
  readonly typeUrl: string;
  /** Null for a type that is not served. */
  readonly type: XdsType | null;
  readonly node: Uint8Array | null;
  readonly nonce: string;
  /** The message of `error_detail`; null when there is none. */
  readonly error: string | null;
}

/** A DiscoveryRequest. */
export interface SotwRequest extends RequestHead {
  readonly version: string;
  /** `resource_names` as on the wire, tags included. */
  readonly names: Uint8Array;
}

/** A DeltaDiscoveryRequest. */
export interface DeltaRequest extends RequestHead {
  /** `resource_names_subscribe` as on the wire, tags included. */
  readonly subscribe: Uint8Array;
  readonly unsubscribe: readonly string[];
  /** Versions by name of a client that reconnects. */
  readonly initialVersions: ReadonlyMap<string, string>;
}

const typesByUrl: ReadonlyMap<string, XdsType> = new Map(xdsTypes.map((type) => [typeUrls[type], type]));

/** @throws MalformedMessage */
export function parseSotwRequest(message: Uint8Array): SotwRequest {
  const names = new FieldRun(message);
  let [version, typeUrl, nonce] = ['', '', ''];
  let node: Uint8Array | null = null;
  let error: string | null = null;
  readFields(message, (field) => {
    if (field.number === 1) version = field.text();
    else if (field.number === 2) node = field.bytes;
    else if (field.number === 3) names.add(field.start, field.end);
    else if (field.number === 4) typeUrl = field.text();
    else if (field.number === 5) nonce = field.text();
    else if (field.number === 6) error = errorText(field.bytes);
  });
  return { typeUrl, type: typesByUrl.get(typeUrl) ?? null, node, nonce, error, version, names: names.bytes() };
}

/** @throws MalformedMessage */
export function parseDeltaRequest(message: Uint8Array): DeltaRequest {
  const subscribe = new FieldRun(message);
  const unsubscribe: string[] = [];
  let initialVersions: Map<string, string> | null = null;
  let [typeUrl, nonce] = ['', ''];
  let node: Uint8Array | null = null;
  let error: string | null = null;
  readFields(message, (field) => {
    if (field.number === 1) node = field.bytes;
    else if (field.number === 2) typeUrl = field.text();
    else if (field.number === 3) subscribe.add(field.start, field.end);
    else if (field.number === 4) unsubscribe.push(field.text());
    else if (field.number === 5) {
      initialVersions ??= new Map();
      addMapEntry(initialVersions, field.bytes);
    } else if (field.number === 6) nonce = field.text();
    else if (field.number === 7) error = errorText(field.bytes);
  });
  return {
    typeUrl,
    type: typesByUrl.get(typeUrl) ?? null,
    node,
    nonce,
    error,
    subscribe: subscribe.bytes(),
    unsubscribe,
    initialVersions: initialVersions ?? noVersions,
  };
}

const noVersions: ReadonlyMap<string, string> = new Map();

/**
 * Bytes of a repeated field: a view if its values are adjacent, as every known client writes them. Otherwise they are copied
 * one by one.
 */
class FieldRun {
  readonly #message: Uint8Array;
  #start = 0;
  #end = 0;
  /** Not null: the values have gaps between them, and its first `#gatheredLength` bytes are those found so far. */
  #gathered: Uint8Array | null = null;
  #gatheredLength = 0;

  constructor(message: Uint8Array) {
    this.#message = message;
  }

  add(start: number, end: number): void {
    if (this.#gathered !== null) this.#gather(this.#gathered, start, end);
    else if (this.#end === this.#start) [this.#start, this.#end] = [start, end];
    else if (this.#end === start) this.#end = end;
    else {
      this.#gathered = new Uint8Array(this.#message.length - this.#start); // all that can still come
      this.#gather(this.#gathered, this.#start, this.#end);
      this.#gather(this.#gathered, start, end);
    }
  }

  bytes(): Uint8Array {
    return this.#gathered?.slice(0, this.#gatheredLength) ?? this.#message.subarray(this.#start, this.#end);
  }

  #gather(into: Uint8Array, start: number, end: number): void {
    if (end - start > 64) into.set(this.#message.subarray(start, end), this.#gatheredLength);
    else for (let at = start; at < end; at++) into[this.#gatheredLength + at - start] = this.#message[at] ?? 0;
    this.#gatheredLength += end - start;
  }
}

/** `google.rpc.Status.message`, its beginning if it is very long. An error without a text is still an error. */
function errorText(status: Uint8Array | null): string {
  let text = 'rejected without a message';
  if (status !== null) {
    readFields(status, (field) => {
      if (field.number === 2 && field.bytes !== null) text = utf8Of(field.bytes.subarray(0, longestError));
    });
  }
  return text;
}

const utf8Of = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();

/** Envoy cuts at 4,096. It is searched for names, logged, and kept for `/debug/syncz`. */
const longestError = 16_384;

function addMapEntry(map: Map<string, string>, entry: Uint8Array | null): void {
  if (entry === null) return;
  let [key, value] = ['', ''];
  readFields(entry, (field) => {
    if (field.number === 1) key = field.text();
    else if (field.number === 2) value = field.text();
  });
  map.set(key, value);
}
