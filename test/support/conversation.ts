import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from '#gen/envoy/service/discovery/v3/discovery_pb.js';
import { encodeResource, mapTypes, typeRows, typeUrls, type XdsType, xdsTypes } from '../../src/proto/resource.ts';
import { bytesField, stringField } from '../../src/proto/wire.ts';
import { noKnownRejections } from '../../src/xds/isolation/known-rejections.ts';
import { rememberAccepted } from '../../src/xds/isolation/search.ts';
import { nextResponse } from '../../src/xds/stream/next.ts';
import { type RequestOutcome, receiveDelta, receiveSotw } from '../../src/xds/stream/receive.ts';
import {
  closeStream,
  createStream,
  prepareToForget,
  type StreamContext,
  type StreamState,
  setView,
  type View,
} from '../../src/xds/stream/stream.ts';
import { InterestPool } from '../../src/xds/tables/interest.ts';
import { NamePool } from '../../src/xds/tables/names.ts';
import { Table, type TableLimits } from '../../src/xds/tables/table.ts';
import { parseDeltaRequest, parseSotwRequest } from '../../src/xds/wire/request.ts';
import type { Mode, Response } from '../../src/xds/wire/response.ts';
import { readFields } from '../../src/xds/wire/wire-reader.ts';

/** The tables of one layer, filled by tests: `name: content`; null removes a name. */
export type Contents = Partial<Record<XdsType, Readonly<Record<string, string | null>>>>;

/** A decoded response. */
export interface Heard {
  readonly type: XdsType;
  readonly nonce: string;
  readonly version: string;
  /** Content by name. */
  readonly resources: ReadonlyMap<string, string>;
  readonly removed: readonly string[];
  /** Delta: the version of each resource. */
  readonly versions: ReadonlyMap<string, string>;
}

/** A control plane without compiler and network. Tests change its tables and its time. */
export class Server {
  nowMs = 0;
  forced = 0;
  readonly context: StreamContext;
  readonly #streams = new Set<StreamState>();
  readonly #followers = new Map<StreamState, StreamState>();
  readonly #limits: Partial<TableLimits>;
  #ids = 0;
  view: View;

  constructor(limits: Partial<TableLimits> = {}) {
    this.#limits = limits;
    this.context = {
      names: new NamePool(),
      interests: new InterestPool(),
      revision: 0,
      now: () => this.nowMs,
      nextId: () => ++this.#ids,
      identifier: '',
      knownRejections: noKnownRejections,
    };
    this.view = this.newView();
  }

  newView(): View {
    return mapTypes((type) => [new Table(type, this.#limits)]);
  }

  /** Runs one flush. */
  commit(contents: Contents, view: View = this.view): void {
    const revision = ++this.context.revision;
    for (const type of xdsTypes) {
      const table = view[type][0];
      const entries = Object.entries(contents[type] ?? {});
      if (table === undefined || entries.length === 0) continue;
      const changed = entries.flatMap(([name, content]) => (content === null ? [] : [resource(type, name, content)]));
      const removed = entries.flatMap(([name, content]) => (content === null ? [name] : []));
      const forgets = table.wouldForgetThrough(removed.length);
      if (forgets > table.forgottenThrough) {
        for (const stream of this.#streams) prepareToForget(stream, table, forgets, this.context);
      }
      table.commit(revision, changed, removed);
      this.context.interests.committed(table, revision, Object.keys(contents[type] ?? {}), () => {});
    }
  }

  connect(mode: Mode, wholeTypes?: readonly XdsType[], growingTypes?: readonly XdsType[]): StreamState {
    const stream = createStream(mode, wholeTypes, growingTypes);
    this.#streams.add(stream);
    setView(stream, this.view, this.context);
    return stream;
  }

  /** Connects a stream that ends when another one does. */
  follow(leader: StreamState, connect: () => StreamState): StreamState {
    const stream = connect();
    this.#followers.set(leader, stream);
    return stream;
  }

  disconnect(stream: StreamState): void {
    this.#streams.delete(stream);
    closeStream(stream, this.context);
    const follower = this.#followers.get(stream);
    this.#followers.delete(stream);
    if (follower !== undefined) this.disconnect(follower);
  }

  next(stream: StreamState, countsForced = true): Response | null {
    return nextResponse(stream, this.context, (_type, names) => {
      if (countsForced) this.forced += names;
    });
  }
}

/**
 * A resource with this content and version. A route configuration of content `a:1 b:2` has virtual hosts `a` and `b`.
 */
export const resource = (type: XdsType, name: string, content: string) =>
  encodeResource(type, name, Buffer.concat([stringField(1, name), ...fieldsOf(type, content)]), content);

function fieldsOf(type: XdsType, content: string): Buffer[] {
  if (type !== 'route' || !content.includes(':')) return [stringField(100, content)];
  return content.split(' ').map((host) => {
    const [name = '', body = ''] = host.split(':');
    return bytesField(2, Buffer.concat([stringField(1, name), stringField(2, `${name}.test`), stringField(100, body)]));
  });
}

export interface Asking {
  /** SotW: the whole list. Delta: names to subscribe to. */
  readonly names?: readonly string[];
  readonly drop?: readonly string[];
  readonly has?: Readonly<Record<string, string>>;
  readonly nonce?: string;
  readonly error?: string;
  /** SotW: the version that the client has from another server. */
  readonly version?: string;
  /** The node id; a request after the first may have one, too. */
  readonly node?: string;
}

/** Sends a request through the real wire format. */
export function ask(
  server: { readonly context: StreamContext },
  stream: StreamState,
  type: XdsType,
  asking: Asking,
): RequestOutcome {
  const errorDetail = asking.error === undefined ? {} : { errorDetail: { code: 3, message: asking.error } };
  const node = asking.node === undefined ? {} : { node: { id: asking.node } };
  const head = { typeUrl: typeUrls[type], responseNonce: asking.nonce ?? '', ...node, ...errorDetail };
  if (stream.mode === 'sotw') {
    const request = create(DiscoveryRequestSchema, {
      ...head,
      versionInfo: asking.version ?? '',
      resourceNames: [...(asking.names ?? [])],
    });
    return receiveSotw(stream, parseSotwRequest(toBinary(DiscoveryRequestSchema, request)), server.context);
  }
  const request = create(DeltaDiscoveryRequestSchema, {
    ...head,
    resourceNamesSubscribe: [...(asking.names ?? [])],
    resourceNamesUnsubscribe: [...(asking.drop ?? [])],
    initialResourceVersions: { ...asking.has },
  });
  return receiveDelta(stream, parseDeltaRequest(toBinary(DeltaDiscoveryRequestSchema, request)), server.context);
}

/** Decodes a response as a client would. */
export function hear(mode: Mode, response: Response): Heard {
  const bytes = Buffer.concat(response.parts);
  const type = response.type;
  if (mode === 'sotw') {
    const message = fromBinary(DiscoveryResponseSchema, bytes);
    const resources = new Map(message.resources.map((any) => contentOf(any.value)));
    return { type, nonce: message.nonce, version: message.versionInfo, resources, removed: [], versions: new Map() };
  }
  const message = fromBinary(DeltaDiscoveryResponseSchema, bytes);
  const resources = new Map(message.resources.map((record) => contentOf(record.resource?.value ?? new Uint8Array())));
  return {
    type,
    nonce: message.nonce,
    version: message.systemVersionInfo,
    resources,
    removed: message.removedResources,
    versions: new Map(message.resources.map(({ name, version }) => [name, version])),
  };
}

/** Formats a response as one line: `CDS a=1 b=2 -c`. An empty resource is `name=∅`. */
export function lineOf({ type, resources, removed }: Heard): string {
  const said = [...resources].map(([name, content]) => `${name}=${content}`).sort();
  return [typeRows[type].short, ...said, ...[...removed].sort().map((name) => `-${name}`)].join(' ');
}

/**
 * A client for transcripts. It acknowledges only what the test acknowledges. A second stream repeats every request a
 * moment later, because responses of the first one are shared with others. It must receive equal responses, and nothing
 * before it has repeated the requests.
 */
export class Talker {
  readonly #server: Server;
  readonly #first: Voice;
  readonly #second: Voice;
  /** The server's state when the first stream had nothing left to receive. */
  #saidAll = '';

  constructor(server: Server, mode: Mode, wholeTypes?: readonly XdsType[], growingTypes?: readonly XdsType[]) {
    this.#server = server;
    this.#first = new Voice(server, server.connect(mode, wholeTypes, growingTypes));
    this.#second = new Voice(
      server,
      server.follow(this.stream, () => server.connect(mode, wholeTypes, growingTypes)),
    );
  }

  get stream(): StreamState {
    return this.#first.stream;
  }

  /** Subscribes. In SotW, `names` is the whole list, and later acknowledgements repeat it. */
  asks(type: XdsType, names: readonly string[] = [], more: Asking = {}): string[] {
    return this.#both((voice) => voice.asks(type, names, this.#translated(more, voice)));
  }

  acks(type: XdsType): string[] {
    return this.#both((voice) => voice.answers(type, {}));
  }

  nacks(type: XdsType, error: string): string[] {
    return this.#both((voice) => voice.answers(type, { error }));
  }

  /** Returns everything that may be sent now, one line per response. */
  hears(): string[] {
    return this.#both(() => {});
  }

  /** Like `nacks`, but returns the outcome and receives nothing yet. */
  rejects(type: XdsType, error: string): RequestOutcome {
    const outcome = this.#first.answers(type, { error });
    this.#follow();
    this.#second.answers(type, { error });
    return outcome;
  }

  /** Returns the version of the last delta resource with this name that it received. */
  versionOf(name: string): string {
    return this.#first.versions.get(name) ?? '';
  }

  nonceOf(type: XdsType): string {
    return this.#first.nonceOf(type);
  }

  #both(say: (voice: Voice) => void): string[] {
    const hadHeardAll = this.#saidAll === this.#state();
    say(this.#first);
    const lines = this.#first.hears(true);
    this.#saidAll = this.#state();
    this.#follow();
    const early = hadHeardAll ? this.#second.hears(false) : [];
    if (early.length > 0) throw new Error(`a second stream hears too soon: ${early.join('; ')}`);
    say(this.#second);
    const same = this.#second.hears(false);
    if (same.join('; ') !== lines.join('; ')) {
      throw new Error(`a second stream hears "${same.join('; ')}", the first one "${lines.join('; ')}"`);
    }
    return lines;
  }

  #state = (): string => `${this.#server.context.revision} ${this.#server.nowMs} ${viewId(this.stream.view)}`;

  /** Copies the tables of the first stream, which a test may have switched. */
  #follow(): void {
    const { view } = this.stream;
    if (view === null || this.#second.stream.view === view) return;
    rememberAccepted(this.#second.stream, view);
    setView(this.#second.stream, view, this.#server.context);
  }

  /** Translates a nonce of the first stream into the nonce of the second stream's equal response. */
  #translated(asking: Asking, voice: Voice): Asking {
    const at = asking.nonce === undefined ? -1 : this.#first.heardNonces.indexOf(asking.nonce);
    return at < 0 ? asking : { ...asking, nonce: voice.heardNonces[at] ?? '' };
  }
}

const viewIds = new WeakMap<object, number>();
let nextViewId = 1;
function viewId(view: View | null): number {
  if (view === null) return 0;
  const known = viewIds.get(view) ?? nextViewId++;
  viewIds.set(view, known);
  return known;
}

/** One stream of a talker. */
class Voice {
  readonly stream: StreamState;
  readonly heardNonces: string[] = [];
  readonly versions = new Map<string, string>();
  readonly #server: Server;
  readonly #names = new Map<XdsType, readonly string[]>();
  readonly #nonces = new Map<XdsType, string>();

  constructor(server: Server, stream: StreamState) {
    this.#server = server;
    this.stream = stream;
  }

  nonceOf(type: XdsType): string {
    return this.#nonces.get(type) ?? '';
  }

  asks(type: XdsType, names: readonly string[], more: Asking): void {
    this.#names.set(type, names);
    const nonce = this.stream.mode === 'sotw' ? this.nonceOf(type) : '';
    ask(this.#server, this.stream, type, { nonce, names, ...more });
  }

  answers(type: XdsType, more: Asking): RequestOutcome {
    const names = this.stream.mode === 'sotw' ? (this.#names.get(type) ?? []) : [];
    return ask(this.#server, this.stream, type, { nonce: this.nonceOf(type), names, ...more });
  }

  hears(countsForced: boolean): string[] {
    const lines: string[] = [];
    const next = () => this.#server.next(this.stream, countsForced);
    for (let sent = next(); sent !== null; sent = next()) {
      const heard = hear(this.stream.mode, sent);
      this.#nonces.set(heard.type, heard.nonce);
      this.heardNonces.push(heard.nonce);
      for (const [name, version] of heard.versions) this.versions.set(name, version);
      lines.push(lineOf(heard));
    }
    return lines;
  }
}

function contentOf(body: Uint8Array): [string, string] {
  let name = '';
  const contents: string[] = [];
  readFields(body, (field) => {
    if (field.number === 1) name = field.text();
    // A virtual host; in it, a domain.
    if (field.number === 2 && field.bytes !== null && !field.text().endsWith('.test'))
      contents.push(contentOf(field.bytes).join(':'));
    if (field.number === 100) contents.push(field.text());
  });
  const content = contents.join(' ');
  return [name, content === '' ? '∅' : content];
}
