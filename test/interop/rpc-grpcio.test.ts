import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import type { HandlerCall, HandlerMethod } from '../../src/rpc/handlers/handler.ts';
import { binaryValues } from '../../src/rpc/request-metadata.ts';
import { createRpcServer } from '../../src/rpc/server.ts';
import { RpcError } from '../../src/rpc/status.ts';
import { authority } from '../support/certificates.ts';
import { startChild } from '../support/child.ts';
import { describeWith } from '../support/describe-with.ts';
import { partProgram } from '../support/parts.ts';

const script = join(import.meta.dirname, 'grpcio/client.py');

/** Methods that `client.py` calls. Requests and answers are texts. */
function kinds(): readonly HandlerMethod[] {
  let cancelled = 0;
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
  const unary = (name: string, handle: (request: string, call: HandlerCall) => string | Promise<string>) =>
    ({
      type: 'unary',
      path: `/test.Kinds/${name}`,
      compress: true,
      handle: async (request, call) => Buffer.from(await handle(text(request), call)),
    }) satisfies HandlerMethod;
  return [
    unary('Upper', (request) => request.toUpperCase()),
    unary('Metadata', (_request, call) => {
      const values = binaryValues(call.metadata, 'x-bytes-bin');
      call.sendHeaders({ metadata: { 'x-initial': String(call.metadata['x-text']) } });
      call.setTrailers({ 'x-trailing-bin': Buffer.concat(values) });
      return String(values.length);
    }),
    unary('Sleep', (_request, { signal }) => delay(60_000, '', { signal })),
    unary('Cancelled', () => String(cancelled)),
    unary('Refuse', () => {
      const metadata = { 'grpc-status-details-bin': Buffer.from('details'), 'x-more': 'more' };
      throw new RpcError('FAILED_PRECONDITION', 'not now: 100 % ☹', { metadata });
    }),
    unary('Identity', (_request, { identity }) => identity?.spiffeId ?? 'nobody'),
    {
      type: 'server-streaming',
      path: '/test.Kinds/Count',
      async *handle(request) {
        for (let number = 1; number <= Number(text(request)); number++) yield Buffer.from(String(number));
      },
    },
    {
      type: 'server-streaming',
      path: '/test.Kinds/Forever',
      async *handle(_request, { signal }) {
        signal.addEventListener('abort', () => {
          cancelled++;
        });
        yield Buffer.from('first');
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    },
    {
      type: 'client-streaming',
      path: '/test.Kinds/Join',
      async handle(requests) {
        const parts: Uint8Array[] = [];
        for await (const part of requests) parts.push(part);
        return Buffer.concat(parts);
      },
    },
    { type: 'bidi-streaming', path: '/test.Kinds/Echo', handle: (requests) => requests },
  ];
}

const wanted = (identity: string) => [
  { case: 'unary', got: 'HELLO' },
  { case: 'gzip_both_ways', got: [300_000, 'ABCABC'] },
  {
    case: 'metadata',
    got: { response: '2', initial: { 'x-initial': 'some text' }, trailing: { 'x-trailing-bin': '\x00\xff\x10second' } },
  },
  { case: 'server_streaming', got: ['1', '2', '3', '4', '5'] },
  { case: 'client_streaming', got: 'bbc' },
  { case: 'bidi_streaming', got: ['one', '', 'three'] },
  { case: 'deadline', code: 'DEADLINE_EXCEEDED', details: expect.any(String), trailers: {} },
  { case: 'cancel', got: ['first', 'CANCELLED', '1'] },
  {
    case: 'status_with_details',
    code: 'FAILED_PRECONDITION',
    details: 'not now: 100 % ☹',
    trailers: { 'grpc-status-details-bin': 'details', 'x-more': 'more' },
  },
  { case: 'unimplemented', code: 'UNIMPLEMENTED', details: 'unknown method /test.Kinds/Nothing', trailers: {} },
  {
    case: 'too_large',
    code: 'RESOURCE_EXHAUSTED',
    details: 'message of 2000000 bytes is over the limit of 1000000',
    trailers: {},
  },
  { case: 'identity', got: identity },
];

describeWith(['grpcio'], "Python's grpcio", () => {
  for (const secure of [false, true]) {
    it(`understands every kind of call, ${secure ? 'over mTLS' : 'in plaintext'}`, async () => {
      const folder = await mkdtemp(join(tmpdir(), 'binnacle-grpcio-'));
      onTestFinished(() => rm(folder, { recursive: true, force: true }));
      const ca = authority();
      const client = ca.issue({ commonName: 'client', uris: ['spiffe://mesh.local/ns/a/sa/python'] });
      const files = Object.entries({ ca: ca.cert, cert: client.cert, key: client.key });
      for (const [name, text] of files) await writeFile(join(folder, name), text);
      const material = { ...ca.issue({ dnsNames: ['xds.mesh.test'] }), clientCa: ca.cert };
      const common = {
        services: kinds(),
        clock: systemClock,
        log: silentLogger,
        limits: { maxReceiveBytes: 1_000_000 },
      };
      const server = createRpcServer(secure ? { ...common, tls: { material, requireClientCert: true } } : common);
      onTestFinished(() => server.close());
      const { port } = await server.listen('127.0.0.1', 0);

      const child = startChild({
        name: 'grpcio',
        command: 'python3',
        args: [script, String(port), ...(secure ? files.map(([name]) => join(folder, name)) : [])],
        env: { PYTHONPATH: dirname(dirname(await partProgram('grpcio'))) },
      });
      expect(await child.exited, child.stderr()).toBe(0);
      const lines = child
        .stdout()
        .trim()
        .split('\n')
        .map((line): unknown => JSON.parse(line));
      expect(lines).toEqual(wanted(secure ? 'spiffe://mesh.local/ns/a/sa/python' : 'nobody'));
    });
  }
});
