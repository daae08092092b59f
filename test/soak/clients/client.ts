import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { mapTypes, typeUrls, type XdsType } from '../../../src/proto/resource.ts';
import type { Mode } from '../../../src/xds/wire/response.ts';
import { type Content, deltaRequest, messageReader, type Received, readResponse, sotwRequest } from './messages.ts';

/** How a client reacts to responses: accepts them, rejects some, does not answer, or stops reading after a while. */
export type Behaviour = 'accepts' | 'rejects' | 'silent' | 'stops-reading';

/** How a client disconnects: resets the stream, drops the connection, ends normally, or leaves a message incomplete. */
export type Leaving = 'cancel' | 'drop' | 'end' | 'torn-cancel' | 'torn-drop';

export interface SoakClientOptions {
  readonly port: number;
  readonly mode: Mode;
  readonly nodeId: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly behaviour: Behaviour;
  /** Null subscribes to everything, like a sidecar. Otherwise only to these assignments. */
  readonly only: readonly string[] | null;
  /** Resources from an earlier stream, for delta streams. */
  readonly has?: ClientState;
  /** Decides whether to reject a response; returns the error text, or null to accept it. */
  readonly judge: (response: Received) => string | null;
  /** Receives the reason of an unexpected end. */
  readonly surprised: (why: string) => void;
}

/** Versions and contents by name. */
export type ClientState = Readonly<
  Record<XdsType, Map<string, { readonly version: string; readonly content: Content }>>
>;

const service = '/envoy.service.discovery.v3.AggregatedDiscoveryService';

/**
 * A sidecar with a separate connection, written on HTTP/2 directly: it can misbehave in ways that a gRPC library
 * cannot.
 */
export class SoakClient {
  readonly has: ClientState;
  responses = 0;
  rejections = 0;
  readonly options: SoakClientOptions;
  readonly #socket: Socket;
  readonly #session: ClientHttp2Session;
  readonly #stream: ClientHttp2Stream;
  readonly #asked = new Map<XdsType, readonly string[]>();
  readonly #nonces = new Map<XdsType, string>();
  #node: { id: string; metadata: { LABELS: Record<string, string>; INTERCEPTION_MODE: string } } | null;
  #leaving = false;
  readonly closed: Promise<void>;

  constructor(options: SoakClientOptions) {
    const { port, mode, nodeId, labels, behaviour } = options;
    this.options = options;
    this.has = options.has ?? emptyState();
    this.#node = { id: nodeId, metadata: { LABELS: { ...labels }, INTERCEPTION_MODE: 'NONE' } };
    this.#socket = connectTcp(port, '127.0.0.1');
    const initialWindowSize = behaviour === 'stops-reading' ? 65_535 : 1 << 20;
    this.#session = connect(`http://127.0.0.1:${port}`, {
      createConnection: () => this.#socket,
      settings: { initialWindowSize },
    });
    this.#session.on('error', (error) => this.#lost(error.message));
    const method = mode === 'sotw' ? 'StreamAggregatedResources' : 'DeltaAggregatedResources';
    const headers = { ':method': 'POST', ':path': `${service}/${method}`, 'content-type': 'application/grpc' };
    this.#stream = this.#session.request({ ...headers, te: 'trailers' }, { endStream: false });
    this.#stream.on(
      'data',
      messageReader((message) => this.#took(readResponse(mode, message))),
    );
    this.#stream.on('error', (error) => this.#lost(error.message));
    this.#stream.on('trailers', (trailers) =>
      this.#lost(`status ${trailers['grpc-status']} ${trailers['grpc-message']}`),
    );
    this.#stream.on('close', () => {
      this.#lost('the stream was closed');
      this.#session.close();
    });
    this.closed = new Promise((resolve) => this.#session.on('close', resolve));
    if (options.only !== null) this.#ask('endpoint', options.only);
    else for (const type of ['cluster', 'listener'] as const) this.#ask(type, []);
  }

  /** Replaces the names of the assignments that it follows, for a client with `only`. */
  follow(names: readonly string[]): void {
    if (!this.#leaving) this.#ask('endpoint', names);
  }

  leave(how: Leaving): Promise<void> {
    if (!this.#leaving) {
      this.#leaving = true;
      if (how.startsWith('torn') && !this.#stream.destroyed) this.#stream.write(tornMessage);
      if (how === 'end') this.#stream.resume().end();
      else if (how.endsWith('cancel')) setImmediate(() => this.#stream.close(constants.NGHTTP2_CANCEL));
      else setImmediate(() => this.#socket.destroy());
      // a stream that its client does not read never ends
      setTimeout(() => this.#session.destroy(), 2_000).unref();
    }
    return this.closed;
  }

  #took(response: Received): void {
    const { mode, behaviour, only } = this.options;
    if (this.#leaving) return;
    const { type, nonce } = response;
    this.responses++;
    this.#nonces.set(type, nonce);
    this.#keep(response);
    if (behaviour === 'stops-reading' && this.responses >= 4) this.#stream.pause();
    if (behaviour === 'silent') return;
    if (type === 'cluster' && only === null) this.#followAll('endpoint', this.#assignments());
    const error = behaviour === 'rejects' ? this.options.judge(response) : null;
    if (error !== null) this.rejections++;
    this.#send(type, { nonce, error, names: mode === 'sotw' ? (this.#asked.get(type) ?? []) : [] });
    if (type === 'listener') this.#followAll('route', this.#routes());
  }

  #keep({ type, resources, removed }: Received): void {
    const has = this.has[type];
    if (this.options.mode === 'sotw' && (type === 'cluster' || type === 'listener')) has.clear();
    // ignores resources that were sent before the server processed an unsubscription
    const names = type === 'endpoint' || type === 'route' ? new Set(this.#asked.get(type)) : null;
    for (const { name, version, content } of resources) {
      if (names === null || names.has(name)) has.set(name, { version, content });
    }
    for (const name of removed) has.delete(name);
  }

  #assignments(): readonly string[] {
    return [...this.has.cluster.keys()].filter((name) => name.startsWith('outbound|')).sort();
  }

  #routes(): readonly string[] {
    return [...new Set(this.has.listener.values().flatMap(({ content }) => content.routes))].sort();
  }

  #followAll(type: 'endpoint' | 'route', names: readonly string[]): void {
    const before = this.#asked.get(type);
    if (before === undefined ? names.length > 0 : before.join() !== names.join()) this.#ask(type, names);
  }

  #ask(type: XdsType, names: readonly string[]): void {
    const { mode } = this.options;
    const before = this.#asked.get(type);
    this.#asked.set(type, names);
    if (type === 'endpoint' || type === 'route') {
      const wanted = new Set(names);
      for (const name of this.has[type].keys()) if (!wanted.has(name)) this.has[type].delete(name);
    }
    if (mode === 'sotw') {
      this.#send(type, { nonce: this.#nonces.get(type) ?? '', error: null, names });
      return;
    }
    const [old, now] = [new Set(before), new Set(names)];
    const versions = before === undefined ? [...this.has[type]].map(([name, { version }]) => [name, version]) : [];
    this.#write(
      deltaRequest({
        typeUrl: typeUrls[type],
        ...this.#nodeOnce(),
        resourceNamesSubscribe: names.filter((name) => !old.has(name)),
        resourceNamesUnsubscribe: [...old].filter((name) => !now.has(name)),
        initialResourceVersions: Object.fromEntries(versions),
      }),
    );
  }

  #send(type: XdsType, answer: { nonce: string; error: string | null; names: readonly string[] }): void {
    const { mode } = this.options;
    const { nonce, error, names } = answer;
    const errorDetail = error === null ? {} : { errorDetail: { code: 13, message: error } };
    const common = { typeUrl: typeUrls[type], responseNonce: nonce, ...this.#nodeOnce(), ...errorDetail };
    this.#write(mode === 'sotw' ? sotwRequest({ ...common, resourceNames: [...names] }) : deltaRequest(common));
  }

  /** Only the first request carries the node. */
  #nodeOnce() {
    const node = this.#node;
    this.#node = null;
    return node === null ? {} : { node };
  }

  #write(bytes: Buffer): void {
    if (!this.#stream.destroyed && this.#stream.writable) this.#stream.write(bytes);
  }

  #lost(why: string): void {
    if (this.#leaving) return;
    this.#leaving = true;
    this.options.surprised(why);
    this.#session.destroy();
  }
}

/** The prefix announces a thousand bytes. */
const tornMessage = Buffer.concat([Buffer.from([0, 0, 0, 3, 0xe8]), Buffer.alloc(100)]);

const emptyState = (): ClientState => mapTypes(() => new Map());
