import { constants, type ServerHttp2Session } from 'node:http2';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Limits } from './limits.ts';

/** What connections and their calls share. */
export interface Surroundings {
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits: Limits;
  /** Uniform in [0, 1); spreads connection ages. */
  readonly random: () => number;
}

/** The largest stream id: a GOAWAY with it says "open no more", and refuses none that are on their way. */
const lastPossibleStreamId = 2 ** 31 - 1;

/** One HTTP/2 connection: proves that it lives, and ends it gently or at once. */
export class Connection {
  readonly peer: string;
  readonly surroundings: Surroundings;
  readonly #session: ServerHttp2Session;
  #lostCause = 'closed by the client';
  #cancelKeepalive = () => {};
  /** The age, then the grace. */
  #cancelAge = () => {};
  #retiring = false;
  #openCalls = 0;

  constructor(session: ServerHttp2Session, surroundings: Surroundings) {
    const { clock, limits, random } = surroundings;
    this.#session = session;
    this.surroundings = surroundings;
    this.peer = peerOf(session);
    session.setLocalWindowSize(limits.connectionWindowBytes);
    this.#keepAlive();
    if (limits.maxConnectionAgeMs !== null) {
      const ageMs = limits.maxConnectionAgeMs * (0.9 + 0.2 * random());
      this.#cancelAge = clock.after(ageMs, () => this.retire(limits.maxConnectionAgeGraceMs));
    }
  }

  /** Why the connection ended, or null while it lives. */
  get lostCause(): string | null {
    return this.#session.destroyed ? this.#lostCause : null;
  }

  /**
   * Asks the client to open no more calls, lets those that are open go on for `graceMs` at most, then ends the connection.
   * Two GOAWAYs, a round trip apart, so that a call that was on its way when the first was sent is still served.
   */
  retire(graceMs: number): void {
    if (this.#session.destroyed || this.#retiring) return;
    this.#retiring = true;
    this.#cancelAge();
    this.#cancelAge = this.surroundings.clock.after(graceMs, () => this.destroy('shut down by the server'));
    this.#session.goaway(constants.NGHTTP2_NO_ERROR, lastPossibleStreamId);
    this.#session.ping(() => {
      if (!this.#session.destroyed) this.#session.close();
    });
  }

  callOpened(): void {
    this.#openCalls++;
  }

  /**
   * Whoever retires is done with its last call. Some clients (grpc-js) leave then without answering the ping, and Node
   * tells of their leaving only a session that is closing itself.
   */
  callClosed(): void {
    if (--this.#openCalls > 0 || !this.#retiring || this.#session.destroyed) return;
    this.#session.close();
  }

  /** Ends the connection and every call on it now. */
  destroy(cause: string): void {
    if (this.#session.destroyed) return;
    this.#lostCause = cause;
    this.#session.destroy();
  }

  /** Notes an error of the session, which ends by itself. */
  failed(error: Error): void {
    this.#lostCause = error.message;
    this.surroundings.log.debug({ peer: this.peer, err: error }, 'connection failed');
  }

  /** The session is closed: nothing is to be done any more. */
  forget(): void {
    this.#cancelKeepalive();
    this.#cancelAge();
  }

  #keepAlive(): void {
    const { clock, limits } = this.surroundings;
    this.#cancelKeepalive = clock.after(limits.keepaliveIntervalMs, () => this.#ping());
  }

  #ping(): void {
    if (this.#session.destroyed) return;
    const { clock, limits, log } = this.surroundings;
    this.#cancelKeepalive = clock.after(limits.keepaliveTimeoutMs, () => {
      log.info(
        { peer: this.peer, timeoutMs: limits.keepaliveTimeoutMs },
        'connection gave no sign of life and was ended',
      );
      this.destroy('no answer to keepalive');
    });
    this.#session.ping((error) => {
      if (this.#session.destroyed) return;
      this.#cancelKeepalive();
      // while it retires, Node answers pings itself: the grace period ends the connection then
      if (error === null) this.#keepAlive();
    });
  }
}

function peerOf(session: ServerHttp2Session): string {
  const { remoteAddress = 'unknown', remotePort = 0 } = session.socket;
  return remoteAddress.includes(':') ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`;
}
