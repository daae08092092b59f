import { crc32 } from 'node:zlib';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from '#gen/envoy/service/discovery/v3/discovery_pb.js';
import { typeUrls, type XdsType, xdsTypes } from '../../../src/proto/resource.ts';
import type { Mode } from '../../../src/xds/wire/response.ts';
import { namesIn } from '../../support/ads-resources.ts';

export interface ReceivedResource {
  readonly name: string;
  /** For delta streams; otherwise empty. */
  readonly version: string;
  readonly content: Content;
}

/** The kept part of a resource: hundreds of clients have hundreds of them. */
export interface Content {
  /** Equal for equal bytes. */
  readonly mark: string;
  /** The route configurations that a listener refers to. */
  readonly routes: readonly string[];
}

export interface Received {
  readonly type: XdsType;
  readonly nonce: string;
  readonly resources: readonly ReceivedResource[];
  readonly removed: readonly string[];
}

export function readResponse(mode: Mode, bytes: Uint8Array): Received {
  if (mode === 'sotw') {
    const { typeUrl, nonce, resources } = fromBinary(DiscoveryResponseSchema, bytes);
    const type = typeOf(typeUrl);
    const read = resources.map(({ value }) => ({ name: nameIn(value), version: '', content: contentOf(type, value) }));
    return { type, nonce, resources: read, removed: [] };
  }
  const { typeUrl, nonce, resources, removedResources } = fromBinary(DeltaDiscoveryResponseSchema, bytes);
  const type = typeOf(typeUrl);
  const read = resources.map(({ name, version, resource }) => {
    return { name, version, content: contentOf(type, resource?.value ?? new Uint8Array()) };
  });
  return { type, nonce, resources: read, removed: removedResources };
}

/** Encodes a request with its gRPC prefix. */
export function sotwRequest(request: MessageInitShape<typeof DiscoveryRequestSchema>): Buffer {
  return framed(toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, request)));
}

export function deltaRequest(request: MessageInitShape<typeof DeltaDiscoveryRequestSchema>): Buffer {
  return framed(toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, request)));
}

function framed(bytes: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
}

/** Assembles the messages of a gRPC stream from its chunks. */
export function messageReader(take: (message: Buffer) => void): (piece: Buffer) => void {
  let pieces: Buffer[] = [];
  let held = 0;
  let wanted = 5;
  return (piece) => {
    pieces.push(piece);
    held += piece.length;
    if (held < wanted) return;
    let bytes = Buffer.concat(pieces);
    for (;;) {
      wanted = bytes.length < 5 ? 5 : 5 + bytes.readUInt32BE(1);
      if (bytes.length < wanted) break;
      take(bytes.subarray(5, wanted));
      bytes = bytes.subarray(wanted);
    }
    pieces = [bytes];
    held = bytes.length;
  };
}

function contentOf(type: XdsType, body: Uint8Array): Content {
  const mark = `${body.length}-${crc32(body)}`;
  return { mark, routes: type === 'listener' ? namesIn('listener', [body]) : [] };
}

/** Returns the name in a cluster, assignment, listener or route configuration: field 1, which comes first. */
function nameIn(body: Uint8Array): string {
  const length = body[1] ?? 0;
  if (body[0] !== 0x0a || length > 127) return nameByLongLength(body);
  return Buffer.from(body.subarray(2, 2 + length)).toString();
}

function nameByLongLength(body: Uint8Array): string {
  const [low = 0, high = 0] = body.subarray(1, 3);
  if (body[0] !== 0x0a || high > 127) throw new Error('a resource that does not begin with its name');
  return Buffer.from(body.subarray(3, 3 + (low & 0x7f) + high * 128)).toString();
}

function typeOf(typeUrl: string): XdsType {
  const type = xdsTypes.find((one) => typeUrls[one] === typeUrl);
  if (type === undefined) throw new Error(`a response of the unknown type ${typeUrl}`);
  return type;
}
