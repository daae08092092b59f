import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { lineBatches } from '../../../src/kubernetes/lines.ts';
import type { ClusterClient } from './cluster-client.ts';

/** HTTP/1.1 proxy without TLS in front of an API server, used as an administrator. It can lose lines of watches. */
export interface LineProxy {
  readonly url: string;
  /** Paths with queries of all requests. */
  readonly requests: readonly string[];
  stop(): Promise<void>;
}

/** Starts a proxy; `loses` says which events of watches are lost. */
export async function startLineProxy(
  { access }: Pick<ClusterClient, 'access'>,
  loses: (event: string) => boolean,
): Promise<LineProxy> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url ?? '');
    const forwarded = httpsRequest(new URL(request.url ?? '/', access.url), {
      method: request.method,
      ca: access.ca,
      headers: { authorization: `Bearer ${access.adminToken}`, accept: request.headers.accept },
    });
    forwarded.on('response', (answer) => void answerWith(answer, response, loses));
    forwarded.on('error', () => response.destroy());
    response.on('close', () => forwarded.destroy());
    request.pipe(forwarded);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answerWith(answer: IncomingMessage, response: ServerResponse, loses: (event: string) => boolean) {
  response.writeHead(answer.statusCode ?? 502, { 'content-type': answer.headers['content-type'] ?? 'text/plain' });
  response.flushHeaders();
  try {
    // A list is one line without an end.
    if (!isWatch(answer)) for await (const chunk of answer) response.write(chunk);
    else
      for await (const lines of lineBatches(answer))
        for (const line of lines) if (!loses(line)) response.write(`${line}\n`);
    response.end();
  } catch {
    response.destroy();
  }
}

/** The API server sends a list with its length and a watch in chunks. */
const isWatch = ({ headers }: IncomingMessage): boolean => headers['content-length'] === undefined;
