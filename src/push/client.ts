import type { Proxy } from '../model/proxy.ts';
import { type NamedType, wholeTypes, type XdsType } from '../proto/resource.ts';
import { rememberAccepted } from '../xds/isolation/search.ts';
import type { NamedStream } from '../xds/named/named-stream.ts';
import { mayHaveResponse, nextResponse, type OnForcedRelease } from '../xds/stream/next.ts';
import { closeStream, createStream, type StreamContext, type StreamState, setView } from '../xds/stream/stream.ts';
import type { Sender } from '../xds/tables/sender.ts';
import type { Mode, Outgoing, Response } from '../xds/wire/response.ts';
import { type Caller, type CallerFacts, callerOf } from './caller.ts';
import { type ServedLayer, viewOf } from './served-layers.ts';

/** Transport of a client's responses. */
export interface Outlet {
  /** False until the transport has room again; nothing may be written then. */
  readonly writable: boolean;
  write(message: Outgoing): void;
  /** Ends the stream. `reason` is for people. */
  end(reason: string): void;
}

/** Connected proxy with its stream, its layers and its transport. */
export class Client implements Sender {
  readonly id: string;
  readonly proxy: Proxy;
  readonly stream: StreamState;
  readonly peer: string;
  readonly caller: Caller;
  readonly connectedAtMs: number;
  readonly outlet: Outlet;
  /** Service that it called: `ADS`, or one of a single type such as `CDS`. */
  readonly service: string;
  /** Returns true if a line about this client may be logged, and counts it. */
  readonly mayLog: () => boolean;
  /** Requests of types without tables; null for none. */
  named: NamedStream | null = null;
  layers: readonly ServedLayer[] = [];
  /** Layers of its current view. They stay the previous ones until the new ones are compiled. */
  appliedLayers: readonly ServedLayer[] = [];
  isQueued = false;
  /** True while its layers differ from those of its view. */
  hasOutdatedView = false;
  readonly #viewApplied: () => void;
  readonly #context: StreamContext;
  readonly #events: ClientEvents;

  constructor(facts: ConnectingClient, context: StreamContext, events: ClientEvents) {
    this.id = facts.id;
    this.proxy = facts.proxy;
    this.stream = facts.stream;
    this.peer = facts.peer;
    this.caller = callerOf(facts);
    this.outlet = facts.outlet;
    this.service = facts.service ?? 'ADS';
    this.mayLog = facts.mayLog ?? always;
    this.connectedAtMs = context.now();
    this.#viewApplied = facts.viewApplied ?? nothing;
    this.#context = context;
    this.#events = events;
    facts.stream.sender = this;
  }

  /** True if all its layers are compiled. The view is applied only then. */
  get isReady(): boolean {
    return this.layers.every((layer) => layer.ready);
  }

  /** Applies the view of its layers, all of which must be ready. */
  applyView(): void {
    this.hasOutdatedView = false;
    this.appliedLayers = this.layers;
    const view = viewOf(this.layers);
    rememberAccepted(this.stream, view);
    setView(this.stream, view, this.#context);
    this.named?.setView(view);
    this.#viewApplied();
  }

  sendNext(): number | null {
    if (this.stream.view === null || (this.named === null && !mayHaveResponse(this.stream))) return null;
    if (!this.outlet.writable) return null;
    this.#events.sendAttempted();
    const response = nextResponse(this.stream, this.#context, this.#events.forcedRelease);
    if (response === null) return this.#sendNamed();
    this.outlet.write(response);
    this.#events.sent(this, response);
    return response.byteLength + acknowledgementLength(this.stream, response);
  }

  close(): void {
    closeStream(this.stream, this.#context);
    this.named?.close();
  }

  #sendNamed(): number | null {
    const response = this.named?.next() ?? null;
    if (response === null) return null;
    this.outlet.write(response);
    this.#events.sent(this, response);
    return response.byteLength;
  }
}

/** Response of a type with or without tables. */
export interface SentResponse {
  readonly type: XdsType | NamedType;
  readonly byteLength: number;
}

export interface ConnectingClient extends CallerFacts {
  /** Id, unique among connections. */
  readonly id: string;
  readonly proxy: Proxy;
  readonly stream: StreamState;
  readonly outlet: Outlet;
  /** Service that it called. Default: `ADS`. */
  readonly service?: string;
  /** Default: always true. */
  readonly mayLog?: () => boolean;
  /** Called when its stream has its first view, or another one. */
  readonly viewApplied?: () => void;
}

const always = () => true;
const nothing = () => {};

export interface ClientEvents {
  readonly sent: (client: Client, response: SentResponse) => void;
  readonly forcedRelease: OnForcedRelease;
  /** Called after each attempt to send: the stream's state may have changed even if nothing was sent. */
  readonly sendAttempted: () => void;
}

/** A stream as this kind of client wants it (docs/protocol.md, Other clients). */
export function streamFor(proxy: Proxy, mode: Mode): StreamState {
  const routesAreWhole = proxy.client !== 'envoy';
  return createStream(
    mode,
    routesAreWhole ? [...wholeTypes, 'route'] : wholeTypes,
    proxy.client === 'mosn' ? ['route'] : [],
  );
}

/**
 * Expected bytes of the acknowledgement, estimated from the last one. In state of the world it repeats all names. A
 * thousand acknowledgements at once then cost as much as the responses.
 */
const acknowledgementLength = ({ mode, types }: StreamState, { type }: Response): number =>
  mode === 'delta' ? 0 : (types.get(type)?.interest?.acknowledgement?.length ?? 0);
