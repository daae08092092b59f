import { constants, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { Allowance } from './allowance.ts';
import type { PeerIdentity } from './identity.ts';
import type { CutOff } from './observer.ts';
import { heldTooMuch, type Peer } from './peers.ts';
import type { Surroundings } from './surroundings.ts';

/** The largest stream id: a GOAWAY with it says "open no more", and refuses none that are on their way. */
const lastPossibleStreamId = 2 ** 31 - 1;

/** So many bytes sent are good for one ping. The answer to a ping is far less, also over TLS. */
const bytesForPing = 1024;
/** What the answer to a ping takes at most: a frame, and a record around it. More since the last ping is a response. */
const pingAnswerBytes = { plaintext: 17, tls: 48 };
/** The longest last words of a client that leaves in order: a GOAWAY with its reason, a record of TLS around it, close_notify. */
const goodbyeBytes = 512;

/** What is known of a connection when its HTTP/2 begins. */
export interface ConnectionFacts {
  /** The TCP connection, below TLS. */
  readonly socket: Socket;
  readonly peer: string;
  readonly identity: PeerIdentity | null;
}

/** One HTTP/2 connection: proves that it lives, bounds what it may cost, and ends it gently or at once. */
export class Connection {
  readonly peer: string;
  readonly identity: PeerIdentity | null;
  readonly surroundings: Surroundings;
  /** Of all connections from this address. */
  readonly account: Peer;
  readonly #session: ServerHttp2Session;
  readonly #socket: Socket;
  readonly #controlFrames: Allowance;
  readonly #abandonedCalls: Allowance;
  #lostCause: string | null = null;
  #cancelKeepalive = () => {};
  /** Until the client's first words. */
  #cancelHandshake: () => void;
  /** The age, then the grace. */
  #cancelAge = () => {};
  #retiring = false;
  #openCalls = 0;
  /** A response takes many round trips, and a ping in each. */
  #sentBytesAtPing = 0;
  /** Through which byte that came the client is known to speak HTTP/2. */
  #understoodBytes = 0;
  /** What the calls hold in messages that are not whole, or not handled. */
  #heldBytes = 0;
  #forgotten = false;

  constructor(session: ServerHttp2Session, facts: ConnectionFacts, surroundings: Surroundings) {
    const { timing, limits, peers, random } = surroundings;
    this.#session = session;
    this.#socket = facts.socket;
    this.surroundings = surroundings;
    this.peer = facts.peer;
    this.identity = facts.identity;
    this.account = peers.of(facts.socket.remoteAddress ?? 'unknown');
    this.account.connections++;
    this.#controlFrames = new Allowance(limits.controlFrames, timing.elapsed());
    this.#abandonedCalls = new Allowance(limits.abandonedCalls, timing.elapsed());
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

  /** Why the connection ended, or null while it lives. */
  get lostCause(): string | null {
    return this.#session.destroyed ? (this.#lostCause ?? 'the connection was closed') : null;
  }

  /**
   * Asks the client to open no more calls, lets those that are open go on for `graceMs` at most, then ends the connection.
   * Two GOAWAYs, a round trip apart, so that a call that was on its way when the first was sent is still served.
   */
  retire(graceMs: number): void {
    if (this.#session.destroyed || this.#retiring) return;
    this.#retiring = true;
    this.#cancelAge();
    this.#cancelAge = this.surroundings.timing.after(graceMs, () => this.destroy('shut down by the server'));
    this.#session.goaway(constants.NGHTTP2_NO_ERROR, lastPossibleStreamId);
    this.#session.ping(() => {
      if (!this.#session.destroyed) this.#session.close();
    });
  }

  /** Counts a call until `callClosed`. A reason: it is over a limit of its address or of all, and is not counted. */
  callOpened(): CutOff | null {
    this.understood();
    const refusal = this.account.callOpened();
    if (refusal === null) this.#openCalls++;
    return refusal;
  }

  /** Notes that everything that came so far was HTTP/2. */
  understood(): void {
    this.#understoodBytes = this.#socket.bytesRead;
  }

  /**
   * Whoever retires is done with its last call. Some clients (grpc-js) leave then without answering the ping, and Node
   * tells of their leaving only a session that is closing itself. Calls that were given up are counted: a client that
   * opens and resets without end makes work and never waits for it.
   */
  callClosed({ abandoned }: { readonly abandoned: boolean }): void {
    this.#openCalls--;
    this.account.callClosed();
    if (this.#session.destroyed) return;
    if (abandoned && !this.#abandonedCalls.take(this.surroundings.timing.elapsed())) {
      this.cutOff('reset-flood', 'too many calls given up');
    } else if (this.#openCalls === 0 && this.#retiring) {
      this.#session.close();
    }
  }

  /**
   * Counts memory for messages that are not whole or not handled; a negative number gives it back. Throws a StatusError over
   * the limit of the connection, its address or all clients.
   */
  reserve(bytes: number): void {
    const { maxHeldBytesPerConnection } = this.surroundings.limits;
    try {
      if (bytes > 0 && this.#heldBytes + bytes > maxHeldBytesPerConnection) {
        throw heldTooMuch('this connection', maxHeldBytesPerConnection);
      }
      this.account.hold(bytes);
    } catch (error) {
      this.surroundings.observer.cutOff('unfinished-messages');
      throw error;
    }
    this.#heldBytes += bytes;
  }

  /** Ends the connection and every call on it now. */
  destroy(cause: string, code: number = constants.NGHTTP2_NO_ERROR): void {
    this.#lostCause ??= cause;
    this.#session.destroy(undefined, code);
    // The session waits for what is still to be written, and the socket for the client's end: neither may ever come. What
    // the kernel has taken by then is still delivered.
    setImmediate(() => this.#socket.destroy());
  }

  /** Ends the connection for what its client does; `why` is told to it. */
  cutOff(reason: CutOff, why: string): void {
    if (this.#session.destroyed) return;
    const { log, observer } = this.surroundings;
    if (this.account.mayLog()) log.info({ peer: this.peer, reason, why }, 'connection cut off');
    observer.cutOff(reason);
    const last = this.#session.state.lastProcStreamID ?? 0;
    this.#session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, last, Buffer.from(why));
    this.destroy(why, constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  /** Notes an error of the session, which ends by itself. */
  failed(error: Error): void {
    if (this.#lostCause !== null) return; // our own doing
    this.#lostCause = error.message;
    const { log, observer } = this.surroundings;
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
   * Whether the client may just have left. The GOAWAY of grpc-go names 2³¹-1 as the last stream, which RFC 9113 wants of
   * servers only; nghttp2 ends such a connection as it ends one that violates the protocol, and Node tells no more. A short
   * frame after nothing but good ones does no harm in either case.
   */
  #isGoodbye(error: Error): boolean {
    const isProtocolViolation = 'errno' in error && error.errno === nghttp2ProtocolError;
    return isProtocolViolation && this.#socket.bytesRead - this.#understoodBytes <= goodbyeBytes;
  }

  /** The session is closed: nothing is to be done any more. */
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
    this.#controlFrames.give(sentBytes / bytesForPing);
    const isQuiet = sentBytes <= pingAnswerBytes[this.#session.encrypted ? 'tls' : 'plaintext'];
    if (isQuiet) this.#countControlFrame('too_many_pings'); // the words that gRPC clients know
  }

  #countControlFrame(complaint: string): void {
    if (this.#session.destroyed || this.#controlFrames.take(this.surroundings.timing.elapsed())) return;
    this.cutOff('control-flood', complaint);
  }

  #keepAlive(): void {
    const { timing, limits } = this.surroundings;
    this.#cancelKeepalive = timing.after(limits.keepaliveIntervalMs, () => this.#ping());
  }

  #ping(): void {
    if (this.#session.destroyed) return;
    const { timing, limits } = this.surroundings;
    let answered = false;
    this.#cancelKeepalive = timing.after(limits.keepaliveTimeoutMs, () => {
      // After a standstill of this process the timer comes first and the answer, long there, behind it.
      setImmediate(() => {
        if (!answered) this.cutOff('keepalive-timeout', 'no answer to keepalive');
      });
    });
    this.#session.ping((error) => {
      answered = true;
      if (error === null) this.understood();
      if (this.#session.destroyed) return;
      this.#cancelKeepalive();
      // while it retires, Node answers pings itself: the grace period ends the connection then
      if (error === null) this.#keepAlive();
    });
  }
}

/** NGHTTP2_ERR_PROTO: https://nghttp2.org/documentation/enums.html */
const nghttp2ProtocolError = -505;

const isProtocolError = (error: Error): boolean => 'code' in error && String(error.code).startsWith('ERR_HTTP2_');
