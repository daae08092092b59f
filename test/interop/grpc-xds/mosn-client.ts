import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Client, type ClientDuplexStream, credentials, Metadata } from '@grpc/grpc-js';
import { NodeSchema } from '#gen/envoy/config/core/v3/base_pb.js';
import { DiscoveryRequestSchema, DiscoveryResponseSchema } from '#gen/envoy/service/discovery/v3/discovery_pb.js';
import { typeUrls } from '../../../src/proto/resource.ts';
import { nameOf, namesIn } from '../../support/ads-resources.ts';
import { type MeshType, meshTypes } from '../../support/mesh-types.ts';

/** Responses of one type. */
export interface MosnType {
  /** Bytes by name. It removes resources only when a complete set lacks them. */
  readonly has: Map<string, Uint8Array>;
  /** The names of each response, sorted. */
  readonly responses: string[][];
  version: string;
  nonce: string;
}

/**
 * A client with MOSN's request pattern. It requests clusters, endpoints, listeners and routes, each after every answer
 * to the one before, with its last nonce. After every answer with clusters it requests all other types. Its
 * acknowledgement of routes names those of the response. It never rejects, and a new stream claims the resources of the
 * earlier one.
 */
export class MosnClient {
  readonly types: Readonly<Record<MeshType, MosnType>>;
  readonly #channel: Client;
  #stream: ClientDuplexStream<Buffer, Buffer>;
  /** Types requested on this stream. */
  #asked = new Set<MeshType>();

  constructor(xdsPort: number) {
    this.types = { cluster: newType(), endpoint: newType(), listener: newType(), route: newType() };
    this.#channel = new Client(`127.0.0.1:${xdsPort}`, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 100,
    });
    this.#stream = this.#open();
  }

  /** Returns the number of responses of CDS, EDS, LDS and RDS. */
  counts(): readonly number[] {
    return meshTypes.map((type) => this.types[type].responses.length);
  }

  /** Closes the stream and opens another. */
  reconnect(): void {
    this.#stream.cancel();
    this.#stream = this.#open();
  }

  stop(): void {
    this.#stream.cancel();
    this.#channel.close();
  }

  #open(): ClientDuplexStream<Buffer, Buffer> {
    const whenReady = new Metadata({ waitForReady: true });
    const stream = this.#channel.makeBidiStreamRequest(service, asIs, asIs, whenReady);
    stream.on('error', () => {}); // the test reconnects explicitly
    stream.on('data', (bytes: Buffer) => {
      if (stream === this.#stream) this.#take(bytes);
    });
    this.#stream = stream;
    this.#asked = new Set();
    this.#ask('cluster', []);
    return stream;
  }

  #take(bytes: Buffer): void {
    const { typeUrl, versionInfo, nonce, resources } = fromBinary(DiscoveryResponseSchema, bytes);
    const type = meshTypes.find((one) => typeUrls[one] === typeUrl);
    if (type === undefined) throw new Error(`a response of the unknown type ${typeUrl}`);
    const own = this.types[type];
    const named = new Map(resources.map(({ value }) => [nameOf(type, value), value]));
    if (type === 'cluster' || type === 'listener') own.has.clear();
    for (const [name, value] of named) own.has.set(name, value);
    Object.assign(own, { version: versionInfo, nonce });
    own.responses.push([...named.keys()].sort());
    this.#ask(type, type === 'route' ? [...named.keys()] : this.#namesOf(type));
    this.#goOn(type);
  }

  #goOn(type: MeshType): void {
    const next = meshTypes[meshTypes.indexOf(type) + 1];
    if (next !== undefined) this.#ask(next);
    const others = type === 'cluster' ? (['listener', 'route'] as const) : [];
    for (const other of others) if (this.#asked.has(other)) this.#ask(other);
  }

  #namesOf(type: MeshType): readonly string[] {
    if (type === 'endpoint') return namesIn('cluster', this.types.cluster.has.values());
    return type === 'route' ? namesIn('listener', this.types.listener.has.values()) : [];
  }

  #ask(type: MeshType, resourceNames = this.#namesOf(type)): void {
    this.#asked.add(type);
    const { version, nonce } = this.types[type];
    const request = create(DiscoveryRequestSchema, {
      typeUrl: typeUrls[type],
      versionInfo: version,
      responseNonce: nonce,
      resourceNames: [...resourceNames],
      node: create(NodeSchema, {
        id: 'sidecar~10.0.0.1~mosn.shop~shop.svc.cluster.local',
        userAgentName: 'mosn',
        metadata: { INTERCEPTION_MODE: 'NONE' },
      }),
    });
    this.#stream.write(Buffer.from(toBinary(DiscoveryRequestSchema, request)));
  }
}

const asIs = (bytes: Buffer) => bytes;
const service = '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources';
const newType = (): MosnType => ({ has: new Map(), responses: [], version: '', nonce: '' });
