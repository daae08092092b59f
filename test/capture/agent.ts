/*
 * Clients and servers inside a network namespace, in a separate program. It reads commands from its standard input and
 * prints an answer to each, in any order, both as lines of JSON. It ends with its standard input.
 */
import { once } from 'node:events';
import { createServer as createHttp, type IncomingMessage, request } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2, type Http2Server } from 'node:http2';
import { connect, createServer as createTcp, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { createServer as createTls, connect as tlsConnect } from 'node:tls';
import { authority } from '../support/certificates.ts';
import type { AgentAnswer, AgentCommand, Listen, RequestTarget, Seen } from './commands.ts';

function answer(command: AgentCommand): Promise<AgentAnswer> {
  switch (command.op) {
    case 'listen':
      return listen(command);
    case 'http':
      return askHttp(command);
    case 'raw':
      return askRaw(command);
    case 'grpc':
      return askGrpc(command);
    case 'tls':
      return askTls(command);
    case 'relay':
      return relay(command);
    case 'begin':
      return begin(command);
    case 'end':
      return end();
  }
}

// Servers. Each answers with its name, and the client address that it sees.

async function listen({ kind, port, name }: Listen): Promise<AgentAnswer> {
  const server = servers[kind](name);
  server.listen(port, '::');
  await once(server, 'listening');
  return {};
}

const servers = {
  http: httpServer,
  grpc: grpcServer,
  /** Sends a banner first, and then echoes its input. */
  banner: (name: string) =>
    createTcp((socket) => {
      socket.on('error', () => {}).write(`${name}\n`);
      socket.pipe(socket);
    }),
  tls(name: string) {
    const { cert, key } = authority().issue({ dnsNames: [name] });
    return createTls({ cert, key }, (socket) => socket.on('error', () => {}).end(name));
  },
};

function httpServer(name: string) {
  const server = createHttp((incoming, response) => {
    incoming.resume();
    response.writeHead(200, { server: name, 'content-type': 'application/json' });
    response.end(JSON.stringify(seen(name, incoming)));
  });
  server.on('upgrade', (incoming: IncomingMessage, socket: Duplex) => {
    socket.on('error', () => {});
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${incoming.headers.upgrade}\r\n\r\n`,
    );
    socket.pipe(socket);
  });
  return server;
}

const seen = (name: string, { socket, httpVersion, headers }: IncomingMessage): Seen => ({
  name,
  peer: plain(socket.remoteAddress),
  httpVersion,
  headers: headers as Record<string, string>, // the test's headers have no duplicates
});

/** Converts `::ffff:10.0.0.1`, the IPv4 address on a dual-stack socket, to `10.0.0.1`. */
const plain = (address = ''): string => address.replace(/^::ffff:/, '');

/** Answers any method with one message, its name. Speaks only HTTP/2, like gRPC applications. */
function grpcServer(name: string): Http2Server {
  const server = createHttp2();
  server.on('stream', (stream) => {
    stream.on('error', () => {}).resume();
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(message(name));
  });
  return server;
}

/**
 * Encodes a message: uncompressed, a length, the bytes
 * (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
 */
function message(text: string): Buffer {
  const body = Buffer.from(text);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

async function relay({ port, socket }: Extract<AgentCommand, { op: 'relay' }>): Promise<AgentAnswer> {
  const server = createTcp((incoming) => {
    const outgoing = connect(socket);
    incoming.pipe(outgoing).pipe(incoming);
    incoming.on('error', () => outgoing.destroy()).on('close', () => outgoing.destroy());
    outgoing.on('error', () => incoming.destroy()).on('close', () => incoming.destroy());
  });
  server.listen(port, '::');
  await once(server, 'listening');
  return {};
}

// Clients. Each request uses a new connection, so that it is balanced separately.

/** Time limit for hanging requests. No answer is late on purpose, so even a busy machine stays below it. */
const waitMs = 20_000;

function askHttp({ address, port, host, path = '/', headers = {}, upgrade }: RequestTarget): Promise<AgentAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<AgentAnswer>();
  const asked = request({
    ...{ host: address, port, path, agent: false, signal: AbortSignal.timeout(waitMs) },
    headers: { ...headers, host, ...(upgrade === undefined ? {} : { connection: 'Upgrade', upgrade }) },
  });
  asked.on('error', reject);
  asked.on('response', async (response) => {
    const body = Buffer.concat(await response.toArray()).toString();
    const answers = response.headers as Record<string, string>; // the test's headers have no duplicates
    resolve({ status: response.statusCode ?? 0, headers: answers, body });
  });
  asked.on('upgrade', async (_, socket) => {
    socket.write('hello');
    const [heard] = await once(socket, 'data');
    socket.destroy();
    resolve({ status: 101, headers: {}, body: String(heard) });
  });
  asked.end();
  return promise;
}

/** Returns the banner, then the answer to `say`. */
async function askRaw({
  address,
  port,
  say,
  speaksFirst = false,
}: Extract<AgentCommand, { op: 'raw' }>): Promise<AgentAnswer> {
  const socket: Socket = connect({ host: address, port, signal: AbortSignal.timeout(waitMs) });
  try {
    const first = speaksFirst ? await nextOf(socket) : '';
    socket.write(say);
    return { status: 0, headers: {}, body: `${first}${await nextOf(socket)}` };
  } finally {
    socket.destroy();
  }
}

async function nextOf(socket: Socket): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  socket.once('data', (bytes) => resolve(String(bytes)));
  socket.once('error', reject);
  socket.once('close', () => reject(new Error('closed')));
  return promise;
}

async function askGrpc({
  address,
  port,
  host,
  path = '/test.Echo/Who',
  headers = {},
}: RequestTarget): Promise<AgentAnswer> {
  const session = connectHttp2(`http://${host}`, { createConnection: () => connect({ host: address, port }) });
  const { promise, resolve, reject } = Promise.withResolvers<AgentAnswer>();
  session.on('error', reject);
  const stream = session.request({
    ...{ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' },
    ...headers,
  });
  stream.setTimeout(waitMs, () => reject(new Error('no answer')));
  stream.on('error', reject);
  let status = '';
  stream.on('response', (fields) => {
    status = String(fields['grpc-status'] ?? '');
  });
  stream.on('trailers', (fields) => {
    status = String(fields['grpc-status'] ?? '');
  });
  stream.end(message('who'));
  stream
    .toArray()
    .then((chunks) => resolve({ status: Number(status), headers: {}, body: String(Buffer.concat(chunks).subarray(5)) }))
    .catch(reject);
  return promise.finally(() => session.destroy());
}

async function askTls({ address, port, host }: RequestTarget): Promise<AgentAnswer> {
  const socket = tlsConnect({ host: address, port, servername: host, rejectUnauthorized: false });
  socket.setTimeout(waitMs, () => socket.destroy(new Error('no answer')));
  const body = Buffer.concat(await socket.toArray()).toString();
  return { status: 0, headers: {}, body };
}

// Requests in sequence, until they are stopped

let running: { stop: boolean; readonly done: Promise<AgentAnswer> } | null = null;

async function begin(target: RequestTarget): Promise<AgentAnswer> {
  const load = { stop: false, done: Promise.resolve<AgentAnswer>({}) };
  const errors: string[] = [];
  const work = async (): Promise<AgentAnswer> => {
    let count = 0;
    for (; !load.stop; count++) {
      const { status, body } = await askHttp(target).catch((error: unknown) => ({ status: 0, body: String(error) }));
      if (status !== 200) errors.push(`${status} ${body}`);
      await delay(2);
    }
    return { count, errors };
  };
  running = Object.assign(load, { done: work() });
  return {};
}

async function end(): Promise<AgentAnswer> {
  if (running === null) return { error: 'nothing was begun' };
  running.stop = true;
  return running.done;
}

// Last in the file: it waits for the end of the input, and the constants above must exist

for await (const line of createInterface({ input: process.stdin })) {
  const { id, ...command } = JSON.parse(line) as AgentCommand & { readonly id: number }; // namespace.ts writes this
  void answer(command as AgentCommand)
    .catch((error: unknown): AgentAnswer => ({ error: String(error) }))
    .then((result) => process.stdout.write(`${JSON.stringify({ id, ...result })}\n`));
}
process.exit();
