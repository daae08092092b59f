// The floor: Node's own HTTP/2 with the messages of a control plane, and no work except sending. It answers the first
// request for a type on a stream with a prepared message, discards all other input, and sends requested changes to all
// streams. Plain JavaScript: stripping types takes memory, and memory is measured.
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:http2';
import { join } from 'node:path';

/** Limits of sending, as in src/push/pacer.ts. */
const bytesPerTurn = 4 << 20;
const streamsPerTurn = 40;

/** @type {import('./bare.ts').BareTask} */
const { folder, typeUrls, xdsPort, controlPort, server, connectionWindowBytes } = JSON.parse(process.argv[2]);
const answers = Object.entries(typeUrls).map(([type, url]) => ({ url, message: readFileSync(join(folder, type)) }));
const longestUrl = Math.max(...answers.map(({ url }) => url.length));
const changes = {
  endpoint: framesIn(readFileSync(join(folder, 'endpoint-changes'))),
  route: framesIn(readFileSync(join(folder, 'route-changes'))),
};
const streams = new Set();
/** Waiting data: a stream and a message each. */
const queue = [];
let scheduled = false;

const xds = createServer(server);
xds.on('session', (session) => {
  session.on('error', () => {});
  session.setLocalWindowSize(connectionWindowBytes);
});
xds.on('stream', serve);
xds.listen(xdsPort, '127.0.0.1');

createHttpServer((request, response) => {
  response.statusCode = control(new URL(request.url, 'http://bare'));
  response.end();
}).listen(controlPort, '127.0.0.1');

function serve(stream) {
  stream.on('error', () => {});
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true, sendDate: false });
  streams.add(stream);
  stream.on('close', () => streams.delete(stream));
  const left = new Set(answers);
  let tail = Buffer.alloc(0);
  stream.on('data', (chunk) => {
    if (left.size === 0) return;
    const bytes = Buffer.concat([tail, chunk]); // a chunk may end inside a type URL
    tail = Buffer.from(bytes.subarray(-longestUrl));
    for (const answer of left) {
      if (!bytes.includes(answer.url)) continue;
      left.delete(answer);
      send(stream, answer.message);
    }
  });
}

/** `/change?type=endpoint&message=37&at=120&token=…`: sends message 37 with `token` at that byte to every stream. Returns a status. */
function control({ pathname, searchParams: query }) {
  if (pathname === '/ready') return 200;
  const prepared = changes[query.get('type')]?.[Number(query.get('message'))];
  if (pathname !== '/change' || prepared === undefined) return 404;
  const message = Buffer.from(prepared); // a copy: the last one may still be unsent
  message.write(query.get('token'), Number(query.get('at')));
  for (const stream of streams) send(stream, message);
  return 200;
}

function send(stream, message) {
  queue.push({ stream, message });
  if (!scheduled) setImmediate(turn);
  scheduled = true;
}

function turn() {
  let bytes = 0;
  let sent = 0;
  while (sent < queue.length && sent < streamsPerTurn && bytes < bytesPerTurn) {
    const { stream, message } = queue[sent++];
    if (!stream.destroyed) stream.write(message);
    bytes += message.length;
  }
  queue.splice(0, sent);
  scheduled = queue.length > 0;
  if (scheduled) setImmediate(turn);
}

/** Splits concatenated gRPC messages, each with its prefix: a byte, and four of length. */
function framesIn(bytes) {
  const frames = [];
  for (let at = 0; at < bytes.length; at += frames.at(-1).length) {
    frames.push(bytes.subarray(at, at + 5 + bytes.readUInt32BE(at + 1)));
  }
  return frames;
}
