import type { Logger } from '../../lib/logger.ts';
import type { CallerAuthentication, WorkloadIdentity } from '../../model/caller-authentication.ts';
import { type NamedType, namedTypes, namedTypeUrls, typeRows, type XdsType } from '../../proto/resource.ts';
import type { CallReader, CloseReason, ServerCall } from '../../rpc/call.ts';
import { type ExpectedMessage, expectedBytes } from '../../rpc/expected-message.ts';
import { frame } from '../../rpc/frame.ts';
import { RpcError } from '../../rpc/status.ts';
import { NamedStream } from '../../xds/named/named-stream.ts';
import type { Recognition } from '../../xds/recognition/recognition.ts';
import { decisiveSentence } from '../../xds/stream/error-text.ts';
import { type RequestOutcome, receiveDelta, receiveSotw } from '../../xds/stream/receive.ts';
import { type NameSet, TooManyNames } from '../../xds/tables/names.ts';
import { nodeIdOf } from '../../xds/wire/node.ts';
import type { NodeLimits } from '../../xds/wire/node-limits.ts';
import type { DeltaRequest, SotwRequest } from '../../xds/wire/request.ts';
import type { Mode, Outgoing } from '../../xds/wire/response.ts';
import { MalformedMessage } from '../../xds/wire/wire-reader.ts';
import { type Client, type Outlet, streamFor } from '../client.ts';
import type { Coordinator } from '../coordinator.ts';
import { admittedProxy } from './admission.ts';
import type { DiscoveryService, RequestedType } from './services.ts';

export interface DiscoveryOptions {
  readonly coordinator: Coordinator;
  readonly log: Logger;
  /** Returns the names of parts that have not synced yet. Streams are refused until it is empty. */
  readonly awaited: () => readonly string[];
  readonly domainSuffix: string;
  /** Default: `defaultNodeLimits`. */
  readonly nodeLimits?: NodeLimits;
  /** True to recognise repeated bytes in place of parsing them, which does not change responses. Default: true. */
  readonly recognises?: boolean;
  /** Authentication of callers; absent if callers need no proof of their identity. */
  readonly authentication?: CallerAuthentication;
}

/** Properties of a stream that follow from its method. */
export interface StreamKind {
  readonly mode: Mode;
  readonly service: DiscoveryService;
  /** Recognition shared by all streams of the mode. */
  readonly recognition: Recognition;
}

/** Adapter between one gRPC stream and the coordinator: parses requests, writes responses. It makes no decisions. */
export class DiscoveryStream implements CallReader, Outlet {
  readonly #call: ServerCall;
  readonly #kind: StreamKind;
  readonly #options: DiscoveryOptions;
  /** Workload that the call's token proves. Set before the first message, if at all. */
  #workload: WorkloadIdentity | null = null;
  #client: Client | null = null;
  #hasReportedOtherNode = false;
  /** Requested names whose existence was not checked yet. */
  readonly #unreportedNames = new Map<XdsType, NameSet>();

  constructor(call: ServerCall, kind: StreamKind, options: DiscoveryOptions) {
    this.#call = call;
    this.#kind = kind;
    this.#options = options;
  }

  /** Sets the workload of an authenticated call. Its node must agree with the workload. */
  provedBy(workload: WorkloadIdentity | null): void {
    this.#workload = workload;
  }

  message(bytes: Uint8Array): void {
    try {
      this.#receive(bytes);
    } catch (error) {
      throw statusOf(error);
    }
  }

  expectedMessage(length: number): ExpectedMessage | null {
    return this.#kind.recognition.candidate(this.#client?.stream ?? null, length);
  }

  recognised(known: ExpectedMessage): void {
    const { coordinator } = this.#options;
    const { recognition } = this.#kind;
    const outcome = this.#client === null ? null : recognition.receive(this.#client.stream, known, coordinator.context);
    // Parse it: a cached subscription, or an answer to a response that was answered since the length arrived.
    if (this.#client === null || outcome === null) this.message(expectedBytes(known));
    else this.#received(this.#client, outcome);
  }

  drained(): void {
    if (this.#client !== null) this.#options.coordinator.wake(this.#client);
  }

  halfClosed(): void {
    this.#call.end({ code: 'OK', message: '' });
  }

  closed(reason: CloseReason): void {
    if (this.#client !== null) this.#options.coordinator.disconnect(this.#client, reason.type);
    this.#client = null;
  }

  get writable(): boolean {
    return this.#call.writable;
  }

  write(message: Outgoing): void {
    message.framed ??= framed(message);
    this.#call.writeFramed(message.framed);
  }

  end(reason: string): void {
    this.#call.end({ code: 'UNAVAILABLE', message: reason });
  }

  #receive(bytes: Uint8Array): void {
    const { context } = this.#options.coordinator;
    const request = this.#kind.recognition.read(bytes);
    const asked = requestedTypeOf(request, this.#kind.service);
    const client = this.#clientOf(request.node);
    const typed = asked.type === request.type ? request : { ...request, type: asked.type };
    if (asked.named !== null) {
      this.#receiveNamed(client, asked.named, request);
      return;
    }
    const before = asked.type === null ? undefined : client.stream.types.get(asked.type)?.names;
    const outcome =
      'subscribe' in typed ? receiveDelta(client.stream, typed, context) : receiveSotw(client.stream, typed, context);
    // Without a type URL, equal bytes have another meaning on another service.
    if (outcome.kind === 'acknowledged' && outcome.isAckOnly && request.typeUrl !== '') {
      this.#kind.recognition.rememberAck(client.stream, outcome, bytes);
    }
    if (asked.type !== null && typeRows[asked.type].unknown === 'unanswered') {
      const { names } = client.stream.types.get(asked.type) ?? { names: context.names.empty };
      const added = context.names.difference(names, before ?? context.names.empty);
      if (added.size > 0)
        this.#unreportedNames.set(
          asked.type,
          context.names.union(this.#unreportedNames.get(asked.type) ?? added, added),
        );
      this.#reportUnserved(client);
    }
    this.#received(client, outcome);
  }

  /** Logs requested names that do not exist, once the view is known. They are not answered. */
  #reportUnserved({ proxy, stream }: Client): void {
    if (stream.view === null) return;
    for (const [type, { names: asked }] of this.#unreportedNames) {
      const interest = stream.types.get(type)?.interest ?? null;
      const names = asked.filter((name) => interest?.get(name) === undefined);
      if (names.length > 0)
        this.#warn({ proxy: proxy.id, type, names: names.slice(0, 20) }, 'nothing to serve by these names');
    }
    this.#unreportedNames.clear();
  }

  #received(client: Client, outcome: RequestOutcome): void {
    if (outcome.kind === 'unknown-type') {
      this.#options.log.debug({ proxy: client.proxy.id, typeUrl: outcome.typeUrl }, 'request for a type not served');
    }
    this.#options.coordinator.received(client, outcome);
  }

  /** Logs a warning about the client, within its limit of log lines. */
  #warn(facts: object, message: string): void {
    if (this.#call.mayLog()) this.#options.log.warn(facts, message);
  }

  #receiveNamed(client: Client, type: NamedType, request: SotwRequest | DeltaRequest): void {
    const { coordinator } = this.#options;
    const { id: proxy } = client.proxy;
    client.named ??= new NamedStream(client.stream, coordinator.context);
    const { rejected, unanswered } = client.named.receive(type, request);
    if (rejected !== null) {
      this.#warn({ proxy, type, reason: decisiveSentence(rejected, '') }, 'resources rejected by proxy');
      coordinator.observer.rejected(client, type);
    }
    if (unanswered.length > 0)
      this.#warn({ proxy, type, names: unanswered.slice(0, 20) }, 'nothing to serve by these names');
    coordinator.wake(client);
  }

  #clientOf(node: Uint8Array | null): Client {
    if (this.#client === null) this.#client = this.#connect(node);
    else if (node !== null) this.#compareNode(this.#client, node);
    return this.#client;
  }

  #connect(node: Uint8Array | null): Client {
    const { coordinator } = this.#options;
    const proxy = admittedProxy(node, this.#workload, this.#options);
    return coordinator.connect({
      id: `${proxy.id}-${coordinator.context.nextId()}`,
      proxy,
      stream: streamFor(proxy, this.#kind.mode),
      peer: this.#call.peer,
      identity: this.#call.identity,
      workload: this.#workload,
      outlet: this,
      service: this.#kind.service.short,
      mayLog: () => this.#call.mayLog(),
      viewApplied: () => {
        if (this.#client !== null) this.#reportUnserved(this.#client);
      },
    });
  }

  /**
   * Compares a later node with the first one, which is the one that counts. Most clients repeat it with every request.
   */
  #compareNode({ proxy }: Client, node: Uint8Array): void {
    if (this.#hasReportedOtherNode) return;
    const other = nodeIdOf(node);
    if (other === proxy.id || other === '') return;
    this.#hasReportedOtherNode = true;
    this.#warn(
      { proxy: proxy.id, other: other.slice(0, 1_024), peer: this.#call.peer },
      'another node id on the same stream ignored',
    );
  }
}

/** Converts errors of requests to a status. Other errors are bugs and returned unchanged. */
export function statusOf(error: unknown): unknown {
  if (error instanceof MalformedMessage) return new RpcError('INVALID_ARGUMENT', error.message, { cause: error });
  if (error instanceof TooManyNames) return new RpcError('RESOURCE_EXHAUSTED', error.message, { cause: error });
  return error;
}

/** Returns the requested type. A service of a single type implies it. On ADS an empty type URL has no type. */
export function requestedTypeOf(
  { type, typeUrl }: SotwRequest | DeltaRequest,
  { only, short }: DiscoveryService,
): RequestedType {
  if (type !== null && (only === null || only.type === type)) return { type, named: null };
  if (only === null) return { type, named: namedTypesByUrl.get(typeUrl) ?? null };
  if (typeUrl === '' || typeUrl === only.typeUrl) return only;
  const advice = 'ask the service of that type, or the AggregatedDiscoveryService for all types';
  throw new RpcError('INVALID_ARGUMENT', `${short} serves ${only.typeUrl} and not "${typeUrl}": ${advice}`);
}

const namedTypesByUrl: ReadonlyMap<string, NamedType> = new Map(namedTypes.map((type) => [namedTypeUrls[type], type]));

/** Small messages become one buffer with their prefix; large ones share their parts. */
function framed(message: Outgoing): readonly Uint8Array[] {
  const parts = frame(message.parts);
  return message.byteLength < 64 << 10 ? [Buffer.concat(parts)] : parts;
}
