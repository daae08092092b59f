import { type JuteReader, JuteWriter } from './jute.ts';

/**
 * Requests of ZooKeeper's protocol, by their numbers in `ZooDefs.OpCode`:
 * https://github.com/apache/zookeeper/blob/release-3.9.3/zookeeper-server/src/main/java/org/apache/zookeeper/ZooDefs.java
 */
export const operations = {
  create: 1,
  delete: 2,
  getData: 4,
  setData: 5,
  ping: 11,
  getChildren: 8,
  multi: 14,
  authenticate: 100,
  addWatch: 106,
  closeSession: -11,
} as const;

/** Numbers of messages that answer no request. */
export const notificationId = -1;
export const pingId = -2;
export const authenticationId = -4;

const errorNames: Readonly<Record<number, string>> = {
  [-4]: 'connection lost',
  [-6]: 'the server does not know this request',
  [-101]: 'no such node',
  [-102]: 'not permitted',
  [-103]: 'another version',
  [-110]: 'the node exists',
  [-111]: 'the node has children',
  [-112]: 'session expired',
  [-115]: 'authentication failed',
};

/** Refusal of a request, by its number in `KeeperException.Code`. */
export class ZooKeeperError extends Error {
  readonly code: number;

  constructor(code: number, path = '') {
    super(`${path}${path === '' ? '' : ': '}${errorNames[code] ?? `error ${code}`}`);
    this.code = code;
  }

  get isMissing(): boolean {
    return this.code === -101;
  }

  get isDenied(): boolean {
    return this.code === -102;
  }

  get isExisting(): boolean {
    return this.code === -110;
  }

  get isUnknownRequest(): boolean {
    return this.code === -6;
  }
}

/** Session as the server gave it. `id` 0 asks for a new one. */
export interface SessionTicket {
  readonly id: bigint;
  readonly password: Uint8Array;
  readonly timeoutMs: number;
}

export const newSession = (timeoutMs: number): SessionTicket => ({ id: 0n, password: Buffer.alloc(16), timeoutMs });

/** Builds the first message of a connection. `lastZxid`: the newest change that the client saw. */
export const connectRequest = ({ id, password, timeoutMs }: SessionTicket, lastZxid: bigint): Buffer =>
  new JuteWriter().int(0).long(lastZxid).int(timeoutMs).long(id).bytes(password).bool(false).frame();

/** Reads the answer. A timeout of 0 means that the session has expired. */
export function readConnectResponse(reader: JuteReader): SessionTicket {
  reader.int(); // the protocol's version, always 0
  const timeoutMs = reader.int();
  return { id: reader.long(), password: Buffer.from(reader.bytes() ?? []), timeoutMs };
}

/** Kinds of changes that a recursive watch reports. */
export type NodeEventType = 'created' | 'deleted' | 'changed';

export interface NodeEvent {
  readonly type: NodeEventType;
  readonly path: string;
}

const eventTypes: Readonly<Record<number, NodeEventType>> = { 1: 'created', 2: 'deleted', 3: 'changed' };

/** Reads a notification; null if it is about the session, which the connection itself shows. */
export function readNotification(reader: JuteReader): NodeEvent | null {
  const type = eventTypes[reader.int()];
  reader.int(); // state of the session
  const path = reader.text();
  return type === undefined ? null : { type, path };
}

/** Writes who may do everything with a node: everyone, or who has authenticated as its creator. */
export const writeAcl = (writer: JuteWriter, isPrivate: boolean): JuteWriter =>
  isPrivate ? writer.int(1).int(31).text('auth').text('') : writer.int(1).int(31).text('world').text('anyone');

/** Node as it was read. */
export interface NodeContents {
  readonly data: Buffer;
  /** Session that owns the node; 0 for a persistent one. */
  readonly owner: bigint;
}

/** Reads the answer to a request for the data of a node. */
export function readNodeContents(reader: JuteReader): NodeContents {
  const data = Buffer.from(reader.bytes() ?? []);
  for (let times = 0; times < 4; times += 1) reader.long(); // czxid, mzxid, ctime, mtime
  for (let versions = 0; versions < 3; versions += 1) reader.int();
  return { data, owner: reader.long() };
}

/** Writes the parameters of a request that creates a node, which goes with the session if it is ephemeral. */
export const writeCreation = (
  writer: JuteWriter,
  { path, data, isEphemeral, isPrivate }: { path: string; data: Uint8Array; isEphemeral: boolean; isPrivate: boolean },
): JuteWriter => writeAcl(writer.text(path).bytes(data), isPrivate).int(isEphemeral ? 1 : 0);

/** Writes a transaction that removes a node and creates an ephemeral one in its place. */
export const writeReplacement = (writer: JuteWriter, path: string, data: Uint8Array): JuteWriter =>
  writeCreation(
    writer
      .int(operations.delete)
      .bool(false)
      .int(-1)
      .text(path)
      .int(-1) // in any version
      .int(operations.create)
      .bool(false)
      .int(-1),
    { path, data, isEphemeral: true, isPrivate: false },
  )
    .int(-1)
    .bool(true)
    .int(-1);
