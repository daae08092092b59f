import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/*
 * HTTP/2 by hand (RFC 9113), for what a well-behaved client never sends: no answers to pings, a reset without an end.
 */

const frameTypes = { data: 0, headers: 1, rstStream: 3, settings: 4 } as const;

/** One HTTP/2 frame. */
export function http2Frame(type: keyof typeof frameTypes, flags: number, streamId: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = frameTypes[type];
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

/** A HEADERS frame that opens a stream and leaves it open. Names and values are shorter than 127 bytes. */
export function headersFrame(streamId: number, headers: Readonly<Record<string, string>>): Buffer {
  const endHeaders = 0x4;
  const text = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
  const fields = Object.entries(headers).map(([name, value]) => {
    return Buffer.concat([Buffer.from([0]), text(name), text(value)]); // literal, not indexed (RFC 7541, 6.2.2)
  });
  return http2Frame('headers', endHeaders, streamId, Buffer.concat(fields));
}

export function resetFrame(streamId: number, code: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(code);
  return http2Frame('rstStream', 0, streamId, payload);
}

/** A connection that has said HTTP/2's first words and says nothing by itself. Resolves when the server knows it. */
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
