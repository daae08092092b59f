import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type SecureContextOptions } from 'node:tls';
import type { Clock } from '../../../src/lib/clock.ts';
import { FrameCutter } from './frames.ts';
import { JuteReader, JuteWriter } from './jute.ts';
import {
  authenticationId,
  connectRequest,
  type NodeContents,
  type NodeEvent,
  notificationId,
  operations,
  pingId,
  readConnectResponse,
  readNodeContents,
  readNotification,
  type SessionTicket,
  writeCreation,
  writeReplacement,
  ZooKeeperError,
} from './protocol.ts';

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

export interface ZooKeeperConnectionOptions {
  readonly server: ServerAddress;
  readonly session: SessionTicket;
  readonly lastZxid: bigint;
  readonly clock: Clock;
  /** Limit for connecting, with the server's first answer. */
  readonly connectTimeoutMs: number;
  /** `user:password` of the scheme `digest`, or null. */
  readonly digest: string | null;
  /** Null: no TLS. */
  readonly tls: SecureContextOptions | null;
}

/** Thrown when the session that was to be continued has expired. */
export class SessionExpired extends Error {}

/** Thrown when the server ends a connection without an answer: it may lack changes that this client has seen. */
export class ConnectionRefused extends Error {}

/** Name to send to the server. An IP address may not be one (RFC 6066); its certificate is checked in either case. */
const serverName = (host: string) => (isIP(host) === 0 ? { servername: host } : {});

/** Longest message. A list of 100,000 providers of one service has some 50 MB. */
const maxFrameBytes = 64 * 1024 * 1024;

export interface CreateOptions {
  /** True: it goes with the session. */
  readonly isEphemeral?: boolean;
  /** True: only who authenticates as this client may use it. */
  readonly isPrivate?: boolean;
}

/** Receiver of an answer, or of the reason why there is none. */
type Answered<T> = (answer: T | Error) => void;

type Write = (writer: JuteWriter) => JuteWriter;

interface Waiting {
  readonly path: string;
  readonly answered: Answered<JuteReader>;
}

/** Connects and continues or begins a session. Rejects with the reason, for operators. */
export async function openConnection(
  options: ZooKeeperConnectionOptions,
  signal: AbortSignal,
): Promise<ZooKeeperConnection> {
  const { server, tls, clock, connectTimeoutMs } = options;
  signal.throwIfAborted();
  const socket = tls === null ? connectTcp(server) : connectTls({ ...tls, ...server, ...serverName(server.host) });
  socket.setNoDelay(true);
  const connection = new ZooKeeperConnection(socket, options);
  const abort = () => connection.destroy(new Error('stopped'));
  signal.addEventListener('abort', abort, { once: true });
  const cancel = clock.after(connectTimeoutMs, () => connection.destroy(new Error('it does not answer')));
  try {
    await connection.opened;
    return connection;
  } finally {
    cancel();
    signal.removeEventListener('abort', abort);
  }
}

/** ZooKeeperConnection to one server. It ends at the latest when the server says nothing for two thirds of the session's timeout. */
export class ZooKeeperConnection {
  /** Resolves when the session has begun. */
  readonly opened: Promise<void>;
  /** Resolves with the reason when the connection has ended. */
  readonly closed: Promise<Error>;
  /** Called with each change that a watch reports, in the order of the changes. */
  onEvent: (event: NodeEvent) => void = () => {};
  /** Called after all messages that arrived together. */
  onQuiet: () => void = () => {};

  readonly #socket: Socket;
  readonly #options: ZooKeeperConnectionOptions;
  readonly #frames = new FrameCutter(maxFrameBytes);
  readonly #waiting = new Map<number, Waiting>();
  readonly #openedOrNot = Promise.withResolvers<void>();
  #session: SessionTicket;
  #lastZxid: bigint;
  #isOpen = false;
  #lastId = 0;
  #end: Error | null = null;
  #cancelDeadline: () => void = () => {};
  #cancelPing: () => void = () => {};

  constructor(socket: Socket, options: ZooKeeperConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#session = options.session;
    this.#lastZxid = options.lastZxid;
    this.opened = this.#openedOrNot.promise;
    this.opened.catch(() => {}); // `closed` tells the same
    this.closed = new Promise((resolve) => {
      socket.on('close', () => resolve(this.#ended()));
    });
    socket.on(options.tls === null ? 'connect' : 'secureConnect', () => {
      socket.write(connectRequest(options.session, options.lastZxid));
    });
    socket.on('error', (error) => this.destroy(error));
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
  }

  get session(): SessionTicket {
    return this.#session;
  }

  get lastZxid(): bigint {
    return this.#lastZxid;
  }

  /** Ends the connection at once. The session goes on until its timeout. */
  destroy(reason: Error): void {
    this.#end ??= reason;
    this.#socket.destroy();
  }

  /** Ends the session and the connection. Nodes of the session go with it. */
  async close(): Promise<void> {
    const cancel = this.#options.clock.after(1_000, () => this.destroy(new Error('closed')));
    if (this.#isOpen) await this.#ask(operations.closeSession, '', (writer) => writer).catch(() => {});
    cancel();
    this.destroy(new Error('closed'));
    await this.closed;
  }

  /** Watches a node and all below it, also while it does not exist. */
  async watchTree(path: string): Promise<void> {
    await this.#ask(operations.addWatch, path, (writer) => writer.text(path).int(1));
  }

  /**
   * Reads the names of a node's children. `answered` is called before any event that the server sent after the answer: a
   * promise would come later.
   */
  readChildren(path: string, answered: Answered<readonly string[]>): void {
    this.#request(operations.getChildren, path, {
      write: (writer) => writer.text(path).bool(false),
      answered: (answer) => answered(answer instanceof Error ? answer : answer.texts()),
    });
  }

  /** Reads the data of a node, in the same order. */
  readData(path: string, answered: Answered<Buffer>): void {
    this.#request(operations.getData, path, {
      write: (writer) => writer.text(path).bool(false),
      // A copy, as the message has more than the data.
      answered: (answer) => answered(answer instanceof Error ? answer : Buffer.from(answer.bytes() ?? [])),
    });
  }

  /** Creates a node. */
  async create(path: string, data: Uint8Array | string, options: CreateOptions = {}): Promise<void> {
    const { isEphemeral = false, isPrivate = false } = options;
    const node = { path, data: Buffer.from(data), isEphemeral, isPrivate };
    await this.#ask(operations.create, path, (writer) => writeCreation(writer, node));
  }

  /** Reads a node; null if it does not exist. */
  async readNode(path: string): Promise<NodeContents | null> {
    try {
      return readNodeContents(await this.#ask(operations.getData, path, (writer) => writer.text(path).bool(false)));
    } catch (error) {
      if (error instanceof ZooKeeperError && error.isMissing) return null;
      throw error;
    }
  }

  /** Removes a node and creates an ephemeral one in its place. No client sees a moment between. */
  async replaceByEphemeral(path: string, data: Uint8Array | string): Promise<void> {
    await this.#ask(operations.multi, path, (writer) => writeReplacement(writer, path, Buffer.from(data)));
  }

  async setData(path: string, data: Uint8Array | string): Promise<void> {
    await this.#ask(operations.setData, path, (writer) => writer.text(path).bytes(Buffer.from(data)).int(-1));
  }

  async remove(path: string): Promise<void> {
    await this.#ask(operations.delete, path, (writer) => writer.text(path).int(-1));
  }

  #ask(operation: number, path: string, write: Write): Promise<JuteReader> {
    return new Promise((resolve, reject) => {
      const answered = (answer: JuteReader | Error) => (answer instanceof Error ? reject(answer) : resolve(answer));
      this.#request(operation, path, { write, answered });
    });
  }

  #request(
    operation: number,
    path: string,
    { write, answered }: { readonly write: Write; readonly answered: Answered<JuteReader> },
  ): void {
    if (this.#end !== null) {
      answered(this.#end);
      return;
    }
    this.#lastId = (this.#lastId % 0x7fff_ffff) + 1;
    this.#waiting.set(this.#lastId, { path, answered });
    this.#socket.write(write(new JuteWriter().int(this.#lastId).int(operation)).frame());
    this.#schedulePing();
  }

  #received(chunk: Buffer): void {
    try {
      for (const frame of this.#frames.push(chunk)) this.#receive(new JuteReader(frame));
    } catch (cause) {
      this.destroy(new Error(`it sent a message that cannot be read: ${String(cause)}`, { cause }));
    }
    if (this.#isOpen) this.#extendDeadline();
    this.onQuiet();
  }

  #receive(message: JuteReader): void {
    if (!this.#isOpen) {
      this.#begin(readConnectResponse(message));
      return;
    }
    const id = message.int();
    const zxid = message.long();
    const code = message.int();
    if (zxid > this.#lastZxid) this.#lastZxid = zxid;
    if (id === notificationId) {
      const event = readNotification(message);
      if (event !== null) this.onEvent(event);
      return;
    }
    if (id === authenticationId && code !== 0) this.destroy(new ZooKeeperError(code));
    if (id === pingId || id === authenticationId) return;
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    waiting?.answered(code === 0 ? message : new ZooKeeperError(code, waiting.path));
  }

  #begin(session: SessionTicket): void {
    if (session.timeoutMs <= 0) {
      this.destroy(new SessionExpired('the session has expired'));
      return;
    }
    this.#session = session;
    this.#isOpen = true;
    const { digest } = this.#options;
    if (digest !== null) {
      const packet = new JuteWriter().int(authenticationId).int(operations.authenticate).int(0).text('digest');
      this.#socket.write(packet.text(digest).frame());
    }
    this.#schedulePing();
    this.#openedOrNot.resolve();
  }

  #extendDeadline(): void {
    this.#cancelDeadline();
    if (this.#end !== null) return;
    const limitMs = (this.#session.timeoutMs * 2) / 3;
    this.#cancelDeadline = this.#options.clock.after(limitMs, () =>
      this.destroy(new Error(`it has said nothing for ${Math.round(limitMs)} ms`)),
    );
  }

  /** Sends a ping once nothing was sent for a third of the session's timeout. */
  #schedulePing(): void {
    this.#cancelPing();
    if (this.#end !== null) return;
    this.#cancelPing = this.#options.clock.after(this.#session.timeoutMs / 3, () => {
      this.#socket.write(new JuteWriter().int(pingId).int(operations.ping).frame());
      this.#schedulePing();
    });
  }

  #ended(): Error {
    this.#end ??= this.#isOpen
      ? new Error('it closed the connection')
      : new ConnectionRefused('it closed the connection');
    this.#cancelDeadline();
    this.#cancelPing();
    for (const { answered } of this.#waiting.values()) answered(this.#end);
    this.#waiting.clear();
    this.#openedOrNot.reject(this.#end);
    return this.#end;
  }
}
