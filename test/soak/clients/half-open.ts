import { connect, type Socket } from 'node:net';

/**
 * Opens a connection whose client disappears silently, as after a power cut. It subscribes to everything, then reads
 * nothing and answers no ping.
 */
export function openHalfOpen(port: number, request: Buffer | null): Socket {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => {}); // the server is expected to end it
  socket.pause();
  if (request !== null) {
    const path = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources';
    const headers = { ':method': 'POST', ':scheme': 'http', ':path': path, ':authority': 'x', te: 'trailers' };
    const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    const block = Buffer.concat(Object.entries({ ...headers, 'content-type': 'application/grpc' }).map(literal));
    socket.write(
      Buffer.concat([preface, frame(4, 0, 0, Buffer.alloc(0)), frame(1, 4, 1, block), frame(0, 0, 1, request)]),
    );
  }
  return socket;
}

/** Encodes an HTTP/2 frame (RFC 9113, 4.1). */
function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Encodes a header field without indexing (RFC 7541, 6.2.2). */
const literal = ([name, value]: [string, string]): Buffer => Buffer.concat([Buffer.of(0), text(name), text(value)]);

const text = (value: string): Buffer => Buffer.concat([Buffer.of(value.length), Buffer.from(value)]);
