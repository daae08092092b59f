import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/*
 * HTTP/2 frames written by hand (RFC 9113), for behaviour that client libraries do not have: unanswered pings, a reset
 * without an end.
 */

const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export type FrameType = keyof typeof frameTypes;

/** Headers of a well-formed call of the echo method. */
export const callHeaders: Readonly<Record<string, string>> = {
  ':method': 'POST',
  ':scheme': 'http',
  ':path': '/test.Echo/Stream',
  ':authority': 'mesh',
  'content-type': 'application/grpc',
};

export const endStream = 0x1;
export const endHeaders = 0x4;

/** Encodes one HTTP/2 frame. */
export function http2Frame(type: FrameType, flags: number, streamId: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = frameTypes[type];
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

/** Encodes a HEADERS frame that opens a stream and leaves it open. Names and values must be shorter than 127 bytes. */
export function headersFrame(
  streamId: number,
  headers: Readonly<Record<string, string>> = callHeaders,
  flags: number = endHeaders,
): Buffer {
  const text = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
  const fields = Object.entries(headers).map(([name, value]) => {
    return Buffer.concat([Buffer.from([0]), text(name), text(value)]); // literal, not indexed (RFC 7541, 6.2.2)
  });
  return http2Frame('headers', flags, streamId, Buffer.concat(fields));
}

export function resetFrame(streamId: number, code: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(code);
  return http2Frame('rstStream', 0, streamId, payload);
}

/** One frame that the server sent. */
export interface ReceivedFrame {
  readonly type: FrameType | 'other';
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** Collects the frames that arrive on a socket, in order. Contains only complete frames. */
export function framesFrom(socket: Socket): readonly ReceivedFrame[] {
  const frames: ReceivedFrame[] = [];
  let rest = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      const end = 9 + rest.readUIntBE(0, 3);
      const type = Object.entries(frameTypes).find(([, number]) => number === rest[3])?.[0] ?? 'other';
      frames.push({
        type: type as FrameType, // a key of frameTypes
        flags: rest[4] ?? 0,
        streamId: rest.readUInt32BE(5),
        payload: Buffer.from(rest.subarray(9, end)),
      });
      rest = rest.subarray(end);
    }
  });
  return frames;
}

/** Returns the error code and the text of a GOAWAY. */
export function goawayOf(frames: readonly ReceivedFrame[]): { code: number; text: string } | null {
  const frame = frames.find(({ type, payload }) => type === 'goaway' && payload.readUInt32BE(4) !== 0);
  return frame === undefined
    ? null
    : { code: frame.payload.readUInt32BE(4), text: frame.payload.subarray(8).toString('latin1') };
}

/** Opens a connection and sends HTTP/2's preface, and nothing else. Resolves when the server has counted it. */
export async function handMadeClient(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => {
    socket.destroy();
  });
  socket.on('error', () => {});
  socket.write(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'));
  socket.write(http2Frame('settings', 0, 0, Buffer.alloc(0)));
  await new Promise((resolve) => socket.once('data', resolve));
  socket.resume();
  return socket;
}
