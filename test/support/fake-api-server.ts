import http2, { type Http2SecureServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { authority } from './certificates.ts';

/** A request that the fake API server received. */
export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: http2.IncomingHttpHeaders;
  readonly body: string;
  /** Number of the connection, from 1. */
  readonly connection: number;
  /** Answers with JSON and ends. */
  json(status: number, body: unknown): void;
  /** Begins an answer that continues: a watch. */
  lines(): ServerHttp2Stream;
}

/** An HTTP/2 server in this process, with answers of the test. */
export interface FakeApiServer {
  readonly url: string;
  /** PEM text. */
  readonly ca: string;
  readonly sessions: ReadonlySet<ServerHttp2Session>;
  stop(): Promise<void>;
}

/** Starts a server; `settings` are those of HTTP/2. */
export async function startFakeApiServer(
  answer: (request: FakeRequest) => void,
  options: { readonly maxConcurrentStreams?: number } = {},
): Promise<FakeApiServer> {
  const ca = authority();
  const { cert, key } = ca.issue({ ips: ['127.0.0.1'] });
  const server: Http2SecureServer = http2.createSecureServer({
    cert,
    key,
    settings: options.maxConcurrentStreams === undefined ? {} : { maxConcurrentStreams: options.maxConcurrentStreams },
  });
  const sessions = new Set<ServerHttp2Session>();
  const numbers = new WeakMap<ServerHttp2Session, number>();
  let connections = 0;
  server.on('session', (session) => {
    numbers.set(session, ++connections);
    sessions.add(session);
    session.on('error', () => {}).on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, headers) => {
    const chunks: Buffer[] = [];
    // The sessions of a server are of this type; a stream's is typed as either side's.
    const connection = numbers.get(stream.session as ServerHttp2Session) ?? 0;
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () =>
      answer({
        method: String(headers[':method']),
        path: String(headers[':path']),
        headers,
        body: Buffer.concat(chunks).toString(),
        connection,
        json(status, body) {
          stream.respond({ ':status': status, 'content-type': 'application/json' });
          stream.end(JSON.stringify(body));
        },
        lines() {
          stream.respond({ ':status': 200, 'content-type': 'application/json' });
          return stream;
        },
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    url: `https://127.0.0.1:${port}`,
    ca: ca.cert,
    sessions,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const session of sessions) session.destroy();
      await closed;
    },
  };
}
