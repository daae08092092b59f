import type { Logger } from '../lib/logger.ts';
import type { CallReader, CloseReason, ServerCall, StreamingMethod } from '../rpc/call.ts';
import { frame } from '../rpc/frame.ts';
import { StatusError } from '../rpc/status.ts';
import { candidate, learnAcknowledgement, receiveLearned } from '../xds/learned.ts';
import { proxyOf } from '../xds/node.ts';
import { type Outcome, receiveDelta, receiveSotw } from '../xds/receive.ts';
import { parseDeltaRequest, parseSotwRequest } from '../xds/request.ts';
import type { Mode, Response } from '../xds/response.ts';
import { MalformedMessage } from '../xds/wire-reader.ts';
import { type Client, type Outlet, streamFor } from './client.ts';
import type { Coordinator } from './coordinator.ts';

export interface AdsOptions {
  readonly coordinator: Coordinator;
  readonly log: Logger;
  /** The names of what must have synced first; streams are refused until it is empty. */
  readonly awaited: () => readonly string[];
  readonly domainSuffix: string;
}

const service = '/envoy.service.discovery.v3.AggregatedDiscoveryService';

/** The aggregated discovery service, state-of-the-world and delta. */
export function adsMethods(options: AdsOptions): readonly StreamingMethod[] {
  const method = (path: string, mode: Mode): StreamingMethod => ({
    type: 'streaming',
    path: `${service}/${path}`,
    open: (call) => openStream(call, mode, options),
  });
  return [method('StreamAggregatedResources', 'sotw'), method('DeltaAggregatedResources', 'delta')];
}

function openStream(call: ServerCall, mode: Mode, options: AdsOptions): CallReader {
  const awaited = options.awaited();
  if (awaited.length > 0) {
    throw new StatusError('UNAVAILABLE', `not ready: waiting for the first sync of ${awaited.join(', ')}`);
  }
  return new AdsStream(call, mode, options);
}

/** One stream: bytes in, requests understood, the coordinator told; responses out. Decides nothing itself. */
class AdsStream implements CallReader, Outlet {
  readonly #call: ServerCall;
  readonly #mode: Mode;
  readonly #options: AdsOptions;
  #client: Client | null = null;

  constructor(call: ServerCall, mode: Mode, options: AdsOptions) {
    this.#call = call;
    this.#mode = mode;
    this.#options = options;
  }

  message(bytes: Uint8Array): void {
    try {
      this.#take(bytes);
    } catch (error) {
      if (error instanceof MalformedMessage) throw new StatusError('INVALID_ARGUMENT', error.message, { cause: error });
      throw error;
    }
  }

  candidate(length: number): Uint8Array | null {
    return this.#client === null ? null : candidate(this.#client.stream, length);
  }

  recognised(known: Uint8Array): void {
    const { coordinator } = this.#options;
    if (this.#client === null) return;
    const outcome = receiveLearned(this.#client.stream, known, coordinator.world);
    // The response may have been answered between the message's length and its end: then it is read as any other.
    if (outcome === null) this.message(known);
    else this.#took(this.#client, outcome);
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

  write(response: Response): void {
    response.framed ??= framed(response);
    this.#call.writeFramed(response.framed);
  }

  end(reason: string): void {
    this.#call.end({ code: 'UNAVAILABLE', message: reason });
  }

  #take(bytes: Uint8Array): void {
    const { world } = this.#options.coordinator;
    let outcome: Outcome;
    if (this.#mode === 'sotw') {
      const request = parseSotwRequest(bytes);
      this.#client ??= this.#connect(request.node);
      outcome = receiveSotw(this.#client.stream, request, world);
    } else {
      const request = parseDeltaRequest(bytes);
      this.#client ??= this.#connect(request.node);
      outcome = receiveDelta(this.#client.stream, request, world);
    }
    if (outcome.kind === 'acknowledged' && outcome.pure) {
      learnAcknowledgement(outcome.response, this.#client.stream.types.get(outcome.type), bytes);
    }
    this.#took(this.#client, outcome);
  }

  #took(client: Client, outcome: Outcome): void {
    if (outcome.kind === 'unknown-type') {
      this.#options.log.debug({ proxy: client.proxy.id, typeUrl: outcome.typeUrl }, 'request for a type not served');
    }
    this.#options.coordinator.received(client, outcome);
  }

  #connect(node: Uint8Array | null): Client {
    const { coordinator, domainSuffix } = this.#options;
    const proxy = proxyOf(node ?? new Uint8Array(0), { domainSuffix });
    if (!proxy.ok) throw new StatusError('INVALID_ARGUMENT', proxy.error);
    return coordinator.connect({
      id: `${proxy.value.id}-${coordinator.world.nextId()}`,
      proxy: proxy.value,
      stream: streamFor(proxy.value, this.#mode),
      peer: this.#call.peer,
      outlet: this,
    });
  }
}

/** Small responses become one buffer with their prefix; large ones share their parts. */
function framed(response: Response): readonly Uint8Array[] {
  const parts = frame(response.parts);
  return response.byteLength < 64 << 10 ? [Buffer.concat(parts)] : parts;
}
