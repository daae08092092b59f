import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  type ChannelOptions,
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  type StatusObject,
} from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';
import { NodeSchema } from '#gen/envoy/config/core/v3/base_pb.js';
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from '#gen/envoy/service/discovery/v3/discovery_pb.js';
import { mapTypes, typeUrls, type XdsType, xdsTypes } from '../../src/proto/resource.ts';
import type { Mode } from '../../src/xds/wire/response.ts';
import { nameOf, namesIn } from './ads-resources.ts';

export interface AdsResponse {
  readonly type: XdsType;
  readonly nonce: string;
  /** Bytes inside the Any by name, in the order of the response. */
  readonly resources: ReadonlyMap<string, Uint8Array>;
  readonly removed: readonly string[];
  /** The undecoded message. */
  readonly bytes: Buffer;
}

export interface AdsOptions {
  readonly mode?: Mode;
  /** Path of another service than ADS, such as `/envoy.service.cluster.v3.ClusterDiscoveryService/StreamClusters`. */
  readonly path?: string;
  /** Null: the first request has no node. */
  readonly nodeId?: string | null;
  readonly labels?: Readonly<Record<string, string>>;
  /** Further texts of the node's metadata, such as SERVICE_ACCOUNT. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Bearer token that the call carries. */
  readonly token?: string;
  /** Capture of its traffic. Default: `NONE`. */
  readonly interception?: 'NONE' | 'REDIRECT';
  /** Subscribes to the assignments of its clusters and the routes of its listeners, as Envoy does. */
  readonly follow?: boolean;
  /**
   * Decides the reply to a response: null acknowledges, a text rejects, undefined sends no reply. Default: acknowledge.
   */
  readonly answer?: (response: AdsResponse) => string | null | undefined;
  readonly channel?: ChannelOptions;
}

export interface AdsStream {
  readonly responses: readonly AdsResponse[];
  /** Current resources: bytes by name. */
  readonly has: Readonly<Record<XdsType, Map<string, Uint8Array>>>;
  /** Versions by name, on delta streams. A reconnecting client sends them as initial versions. */
  readonly versions: Readonly<Record<XdsType, Map<string, string>>>;
  /** The status of the ended stream. */
  readonly ended: Promise<StatusObject>;
  /** Subscribes to these names, or to all if left out. Resolves with the next response of the type. */
  subscribe(type: XdsType, names?: readonly string[], initial?: ReadonlyMap<string, string>): Promise<AdsResponse>;
  /** Resolves with the next response of the type. */
  next(type: XdsType): Promise<AdsResponse>;
  answer(response: AdsResponse, error: string | null): void;
  /** Sends raw bytes. */
  send(bytes: Uint8Array): void;
  /** Sends a request for any type URL. */
  ask(typeUrl: string): void;
  pause(): void;
  resume(): void;
  cancel(): void;
}

/** Returns a sidecar's node id. */
export const sidecarId = (namespace = 'default', name = 'client', address = '10.0.0.1'): string =>
  `sidecar~${address}~${name}.${namespace}~${namespace}.svc.cluster.local`;

const service = '/envoy.service.discovery.v3.AggregatedDiscoveryService';
const asIs = (bytes: Buffer) => bytes;

/** Opens an ADS stream with grpc-js. It closes when the test ends. */
export function openAds(port: number, options: AdsOptions = {}): AdsStream {
  const { mode = 'sotw', nodeId = sidecarId(), follow = false, answer = () => null } = options;
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.enable_retries': 0,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_receive_message_length': -1,
    ...options.channel,
  });
  const method = mode === 'sotw' ? 'StreamAggregatedResources' : 'DeltaAggregatedResources';
  const stream: ClientDuplexStream<Buffer, Buffer> = client.makeBidiStreamRequest(
    options.path ?? `${service}/${method}`,
    asIs,
    asIs,
    metadataOf(options),
  );
  onTestFinished(() => {
    stream.cancel();
    client.close();
  });
  const responses: AdsResponse[] = [];
  const has = perType(() => new Map<string, Uint8Array>());
  const versions = perType(() => new Map<string, string>());
  const subscribed = new Map<XdsType, readonly string[]>();
  const waiting: { readonly type: XdsType; readonly resolve: (response: AdsResponse) => void }[] = [];
  let node = nodeId === null ? undefined : nodeOf(nodeId, options);

  const send = (bytes: Uint8Array) => void stream.write(Buffer.from(bytes));
  const request = (typeUrl: string, parts: { names?: readonly string[]; drop?: readonly string[] } & Answer) => {
    const { names = [], drop = [], nonce = '', error = null, initial = new Map() } = parts;
    const errorDetail = error === null ? {} : { errorDetail: { code: 3, message: error } };
    const common = { typeUrl, responseNonce: nonce, ...(node === undefined ? {} : { node }), ...errorDetail };
    node = undefined; // only the first request carries it
    if (mode === 'sotw') {
      const init = { ...common, resourceNames: [...names] };
      return send(toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, init)));
    }
    const changes = { resourceNamesSubscribe: [...names], resourceNamesUnsubscribe: [...drop] };
    const init = { ...common, ...changes, initialResourceVersions: Object.fromEntries(initial) };
    return send(toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, init)));
  };
  const reply = ({ type, nonce }: AdsResponse, error: string | null) =>
    request(typeUrls[type], { nonce, error, ...(mode === 'sotw' ? { names: subscribed.get(type) ?? [] } : {}) });
  const next = (type: XdsType) => new Promise<AdsResponse>((resolve) => waiting.push({ type, resolve }));
  const want = (type: XdsType, names: readonly string[], initial?: ReadonlyMap<string, string>) => {
    const before = subscribed.get(type);
    subscribed.set(type, names);
    const last = mode === 'sotw' ? responses.findLast((response) => response.type === type)?.nonce : undefined;
    const drop = (before ?? []).filter((name) => !names.includes(name));
    const added = mode === 'sotw' ? names : names.filter((name) => before?.includes(name) !== true);
    request(typeUrls[type], {
      names: added,
      drop,
      ...(last === undefined ? {} : { nonce: last }),
      ...(initial === undefined ? {} : { initial }),
    });
  };
  const followNames = (type: 'endpoint' | 'route', names: readonly string[]) => {
    const before = subscribed.get(type);
    if (before === undefined ? names.length > 0 : before.join() !== names.join()) want(type, names);
  };

  stream.on('data', (bytes: Buffer) => {
    const response = mode === 'sotw' ? readSotw(bytes) : readDelta(bytes, versions);
    responses.push(response);
    const { type } = response;
    if (mode === 'sotw' && (type === 'cluster' || type === 'listener')) has[type].clear();
    for (const [name, body] of response.resources) has[type].set(name, body);
    for (const name of response.removed) {
      has[type].delete(name);
      versions[type].delete(name);
    }
    const verdict = answer(response);
    if (follow && type === 'cluster') followNames('endpoint', namesIn('cluster', has.cluster.values()));
    if (verdict !== undefined) reply(response, verdict);
    if (follow && type === 'listener') followNames('route', namesIn('listener', has.listener.values()));
    const taker = waiting.findIndex((one) => one.type === type);
    if (taker >= 0) waiting.splice(taker, 1)[0]?.resolve(response);
  });
  stream.on('error', () => {}); // `ended` reports the error
  const ended = new Promise<StatusObject>((resolve) => stream.on('status', resolve));

  return {
    responses,
    has,
    versions,
    ended,
    subscribe(type, names = [], initial) {
      const response = next(type);
      want(type, names, initial);
      const tooEarly = ended.then(({ code, details }): never => {
        throw new Error(`the stream ended with ${code}: ${details}`);
      });
      tooEarly.catch(() => {}); // after the response, a rejection has no consumer
      return Promise.race([response, tooEarly]);
    },
    next,
    answer: reply,
    send,
    ask: (typeUrl) => request(typeUrl, {}),
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    cancel: () => stream.cancel(),
  };
}

interface Answer {
  readonly nonce?: string;
  readonly error?: string | null;
  readonly initial?: ReadonlyMap<string, string>;
}

function nodeOf(id: string, { labels = {}, interception = 'NONE', metadata = {} }: AdsOptions) {
  return create(NodeSchema, { id, metadata: { LABELS: { ...labels }, INTERCEPTION_MODE: interception, ...metadata } });
}

function metadataOf({ token }: AdsOptions): Metadata {
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  return metadata;
}

const perType = <T>(make: () => T): Readonly<Record<XdsType, T>> => mapTypes(make);

function typeOf(typeUrl: string): XdsType {
  const type = xdsTypes.find((one) => typeUrls[one] === typeUrl);
  if (type === undefined) throw new Error(`a response of the unknown type ${typeUrl}`);
  return type;
}

function readSotw(bytes: Buffer): AdsResponse {
  const { typeUrl, nonce, resources } = fromBinary(DiscoveryResponseSchema, bytes);
  const type = typeOf(typeUrl);
  const byName = new Map(resources.map(({ value }) => [nameOf(type, value), value] as const));
  return { type, nonce, resources: byName, removed: [], bytes };
}

function readDelta(bytes: Buffer, versions: Record<XdsType, Map<string, string>>): AdsResponse {
  const message = fromBinary(DeltaDiscoveryResponseSchema, bytes);
  const type = typeOf(message.typeUrl);
  for (const { name, version } of message.resources) versions[type].set(name, version);
  const resources = new Map(
    message.resources.map(({ name, resource }) => [name, resource?.value ?? new Uint8Array()] as const),
  );
  return { type, nonce: message.nonce, resources, removed: message.removedResources, bytes };
}
