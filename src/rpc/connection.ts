import { constants, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { RpcContext } from './context.ts';
import type { PeerIdentity } from './identity.ts';
import type { CutOff } from './observer.ts';
import { type Peer, tooManyHeldBytes } from './peers.ts';
import { TokenBucket } from './token-bucket.ts';

/** The largest stream id. A GOAWAY with it says "open no more" and refuses no call in flight. */
const lastPossibleStreamId = 2 ** 31 - 1;

/** Number of sent bytes that allow one ping. The answer to a ping is much smaller, also over TLS. */
const bytesForPing = 1024;
/**
 * Maximum size of the answer to a ping: a frame, with a TLS record. If more was sent since the last ping, it includes a
 * response.
 */
const pingAnswerBytes = { plaintext: 17, tls: 48 };
/**
 * Maximum size of the last bytes from a client that disconnects normally: a GOAWAY with its reason, a TLS record,
 * close_notify.
 */
const goodbyeBytes = 512;

/** Facts known when HTTP/2 begins on a connection. */
export interface ConnectionFacts {
  /** The TCP connection, below TLS. */
  readonly socket: Socket;
  readonly peer: string;
  readonly identity: PeerIdentity | null;
}

/** One HTTP/2 connection: checks that the client is alive, enforces limits, and ends gracefully or at once. */
export class Connection {
  readonly peer: string;
  readonly identity: PeerIdentity | null;
  readonly context: RpcContext;
  /** Shared by all connections from this address. */
  readonly account: Peer;
  readonly #session: ServerHttp2Session;
  readonly #socket: Socket;
  readonly #controlFrames: TokenBucket;
  readonly #abandonedCalls: TokenBucket;
  #lostCause: string | null = null;
  #cancelKeepalive = () => {};
  /** Cancels the timeout for the client's SETTINGS. */
  #cancelHandshake: () => void;
  /** Cancels the age timer, later that of the grace period. */
  #cancelAge = () => {};
  #retiring = false;
  #openCalls = 0;
  /** A response takes many round trips, and clients may send a ping in each. */
  #sentBytesAtPing = 0;
  /** Number of received bytes that were valid HTTP/2. */
  #understoodBytes = 0;
  /** Memory of the calls for messages that are incomplete or unhandled. */
  #heldBytes = 0;
  #forgotten = false;

  constructor(session: ServerHttp2Session, facts: ConnectionFacts, context: RpcContext) {
    const { timing, limits, peers, random } = context;
    this.#session = session;
    this.#socket = facts.socket;
    this.context = context;
    this.peer = facts.peer;
    this.identity = facts.identity;
    this.account = peers.of(facts.socket.remoteAddress ?? 'unknown');
    this.account.connections++;
    this.#controlFrames = new TokenBucket(limits.controlFrames, timing.elapsed());
    this.#abandonedCalls = new TokenBucket(limits.abandonedCalls, timing.elapsed());
    session.setLocalWindowSize(limits.connectionWindowBytes);
    session.on('ping', () => this.#pinged());
    session.on('remoteSettings', () => this.#settingsCame());
    this.#cancelHandshake = timing.after(limits.handshakeTimeoutMs, () =>
      this.cutOff('handshake-timeout', 'no HTTP/2 settings came in time'),
    );
    this.#keepAlive();
    if (limits.maxConnectionAgeMs !== null) {
      const ageMs = limits.maxConnectionAgeMs * (0.9 + 0.2 * random());
      this.#cancelAge = timing.after(ageMs, () => this.retire(limits.maxConnectionAgeGraceMs));
    }
  }

  /** Reason why the connection ended; null while it is open. */
  get lostCause(): string | null {
    return this.#session.destroyed ? (this.#lostCause ?? 'the connection was closed') : null;
  }

  /**
   * Asks the client to open no more calls, waits at most `graceMs` for open ones, then ends the connection. Sends two
   * GOAWAYs, one round trip apart: calls in flight at the first one are still served.
   */
  retire(graceMs: number): void {
    if (this.#session.destroyed || this.#retiring) return;
    this.#retiring = true;
    this.#cancelAge();
    this.#cancelAge = this.context.timing.after(graceMs, () => this.destroy('shut down by the server'));
    this.#session.goaway(constants.NGHTTP2_NO_ERROR, lastPossibleStreamId);
    this.#session.ping(() => {
      if (!this.#session.destroyed) this.#session.close();
    });
  }

  /**
   * Counts a call until `callClosed`. Over a limit of its address or of all clients, returns the reason and does not
   * count it.
   */
  callOpened(): CutOff | null {
    this.understood();
    const refusal = this.account.callOpened();
    if (refusal === null) this.#openCalls++;
    return refusal;
  }

  /** Records that everything received so far was HTTP/2. */
  understood(): void {
    this.#understoodBytes = this.#socket.bytesRead;
  }

  /**
   * Ends a retiring connection after its last call. Some clients (grpc-js) then disconnect without answering the ping,
   * and Node reports this only to a session that is closing itself. Counts abandoned calls: a client that opens and
   * resets calls without end causes work and never waits for it.
   */
  callClosed({ abandoned }: { readonly abandoned: boolean }): void {
    this.#openCalls--;
    this.account.callClosed();
    if (this.#session.destroyed) return;
    if (abandoned && !this.#abandonedCalls.take(this.context.timing.elapsed())) {
      this.cutOff('reset-flood', 'too many calls given up');
    } else if (this.#openCalls === 0 && this.#retiring) {
      this.#session.close();
    }
  }

  /**
   * Counts memory for incomplete or unhandled messages; a negative number releases it. Throws a RpcError over the
   * limit of the connection, its address or all clients.
   */
  reserve(bytes: number): void {
    const { maxHeldBytesPerConnection } = this.context.limits;
    try {
      if (bytes > 0 && this.#heldBytes + bytes > maxHeldBytesPerConnection) {
        throw tooManyHeldBytes('this connection', maxHeldBytesPerConnection);
      }
      this.account.reserve(bytes);
    } catch (error) {
      this.context.observer.cutOff('unfinished-messages');
      throw error;
    }
    this.#heldBytes += bytes;
  }

  /** Ends the connection and every call on it at once. */
  destroy(cause: string, code: number = constants.NGHTTP2_NO_ERROR): void {
    this.#lostCause ??= cause;
    this.#session.destroy(undefined, code);
    // The session waits for unsent data and the socket for the client's FIN; neither may ever come. Data that the
    // kernel has is still delivered.
    setImmediate(() => this.#socket.destroy());
  }

  /** Ends the connection because of the client's behaviour, and sends `why` to the client. */
  cutOff(reason: CutOff, why: string): void {
    if (this.#session.destroyed) return;
    const { log, observer } = this.context;
    if (this.account.mayLog()) log.info({ peer: this.peer, reason, why }, 'connection cut off');
    observer.cutOff(reason);
    const last = this.#session.state.lastProcStreamID ?? 0;
    this.#session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, last, Buffer.from(why));
    this.destroy(why, constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  /** Records an error of the session, which ends itself. */
  failed(error: Error): void {
    if (this.#lostCause !== null) return; // the server ended it
    this.#lostCause = error.message;
    const { log, observer } = this.context;
    if (isProtocolError(error) && !this.#isGoodbye(error)) {
      observer.cutOff('protocol-error');
      if (this.account.mayLog()) {
        log.info({ peer: this.peer, err: error }, 'connection ended for a violation of HTTP/2');
      }
    } else {
      log.debug({ peer: this.peer, err: error }, 'connection failed');
    }
    setImmediate(() => this.#socket.destroy());
  }

  /**
   * Returns whether the client may have disconnected normally. The GOAWAY of grpc-go names 2³¹-1 as the last stream,
   * which RFC 9113 allows only for servers. nghttp2 reports it as a protocol violation, and Node gives no details. A short
   * frame after valid ones does no harm in either case.
   */
  #isGoodbye(error: Error): boolean {
    const isProtocolViolation = 'errno' in error && error.errno === nghttp2ProtocolError;
    return isProtocolViolation && this.#socket.bytesRead - this.#understoodBytes <= goodbyeBytes;
  }

  /** Cancels all timers after the session has closed. */
  forget(): void {
    this.#cancelKeepalive();
    this.#cancelAge();
    this.#cancelHandshake();
    if (!this.#forgotten) this.account.connections--;
    this.#forgotten = true;
  }

  #settingsCame(): void {
    this.#cancelHandshake();
    this.understood();
    this.#countControlFrame('too_many_settings');
  }

  #pinged(): void {
    this.understood();
    const sentBytes = this.#socket.bytesWritten - this.#sentBytesAtPing;
    this.#sentBytesAtPing += sentBytes;
    this.#controlFrames.add(sentBytes / bytesForPing);
    const isQuiet = sentBytes <= pingAnswerBytes[this.#session.encrypted ? 'tls' : 'plaintext'];
    if (isQuiet) this.#countControlFrame('too_many_pings'); // gRPC clients know this text
  }

  #countControlFrame(complaint: string): void {
    if (this.#session.destroyed || this.#controlFrames.take(this.context.timing.elapsed())) return;
    this.cutOff('control-flood', complaint);
  }

  #keepAlive(): void {
    const { timing, limits } = this.context;
    this.#cancelKeepalive = timing.after(limits.keepaliveIntervalMs, () => this.#ping());
  }

  #ping(): void {
    if (this.#session.destroyed) return;
    const { timing, limits } = this.context;
    let answered = false;
    this.#cancelKeepalive = timing.after(limits.keepaliveTimeoutMs, () => {
      // If this process was suspended, the timer fires before a pending answer is read.
      setImmediate(() => {
        if (!answered) this.cutOff('keepalive-timeout', 'no answer to keepalive');
      });
    });
    this.#session.ping((error) => {
      answered = true;
      if (error === null) this.understood();
      if (this.#session.destroyed) return;
      this.#cancelKeepalive();
      // while the connection retires, Node cancels pings: the grace period ends it
      if (error === null) this.#keepAlive();
    });
  }
}

/** NGHTTP2_ERR_PROTO: https://nghttp2.org/documentation/enums.html */
const nghttp2ProtocolError = -505;

const isProtocolError = (error: Error): boolean => 'code' in error && String(error.code).startsWith('ERR_HTTP2_');
