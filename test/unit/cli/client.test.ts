import { once } from 'node:events';
import type { IncomingMessage, RequestListener } from 'node:http';
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { exitCodeOf } from '../../../src/cli/failure.ts';
import { ServerError } from '../../../src/cli/rules/answer.ts';
import { type ApiClientOptions, createClient } from '../../../src/cli/rules/client.ts';
import { noCredentials } from '../../../src/cli/rules/credentials.ts';
import { startStub } from '../../support/http-stub.ts';
import { freePort } from '../../support/ports.ts';

type Answer = RequestListener;

const json =
  (value: unknown, code = 200, headers: Record<string, string> = {}): Answer =>
  (_request, response) => {
    response.writeHead(code, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
  };

const text =
  (body: string, code = 200, type = 'text/html'): Answer =>
  (_request, response) => {
    response.writeHead(code, { 'content-type': type }).end(body);
  };

/** Answers endlessly, as fast as the client reads. */
const endless: Answer = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  const more = () => {
    while (response.write('"x",'.repeat(1_000)));
  };
  response.on('drain', more);
  more();
};

function clientOf(server: string, options: Partial<ApiClientOptions> = {}) {
  const warnings: string[] = [];
  const client = createClient({
    server,
    from: '--server',
    namespace: 'default',
    author: 'anna',
    credentials: noCredentials,
    timeoutMs: 2_000,
    warn: (message) => warnings.push(message),
    ...options,
  });
  return { client, warnings };
}

/** Returns message and exit code of a request that fails. */
async function failure(server: string, options: Partial<ApiClientOptions> = {}) {
  const error: unknown = await clientOf(server, options)
    .client.send({ path: '/apis' })
    .catch((caught: unknown) => caught);
  return { code: exitCodeOf(error) ?? 1, message: error instanceof Error ? error.message : String(error) };
}

describe('a request', () => {
  it('sends author, program version and JSON', async () => {
    const seen: IncomingMessage[] = [];
    let body = '';
    const server = await startStub(async (request, response) => {
      seen.push(request);
      for await (const chunk of request) body += chunk;
      json({ done: true })(request, response);
    });
    const { client } = clientOf(`${server}/prefix`, { author: 'Ännä 名' });
    const query = { dryRun: 'All', labelSelector: null, fieldSelector: 'a=b c' };
    expect(await client.send({ method: 'POST', path: '/rules/v1/batch', query, body: { a: '名' } })).toEqual({
      done: true,
    });
    const [request] = seen;
    expect(request?.url).toBe('/prefix/rules/v1/batch?dryRun=All&fieldSelector=a%3Db+c');
    expect(request?.headers['user-agent']).toMatch(/^binnacle\/\d+\.\d+\.\d+$/);
    expect(Buffer.from(String(request?.headers['x-binnacle-author']), 'latin1').toString('utf8')).toBe('Ännä 名');
    expect(request?.headers['content-type']).toBe('application/json');
    expect(body).toBe('{"a":"名"}');
  });

  it('reports warnings of the server', async () => {
    const { client, warnings } = clientOf(await startStub(json({}, 200, { warning: '299 - "spec.x has no effect"' })));
    await client.send({ path: '/' });
    expect(warnings).toEqual(['spec.x has no effect']);
  });

  it('returns an answer in pieces as it arrives', async () => {
    const { client } = clientOf(await startStub(text('a: 1\n', 200, 'application/yaml')));
    let read = '';
    for await (const chunk of await client.stream({ path: '/', pauseMs: 1_000 })) read += Buffer.from(chunk);
    expect(read).toBe('a: 1\n');
  });
});

describe('a rejection', () => {
  it('has the message of the server and the fields', async () => {
    const causes = [{ field: 'spec.hosts', message: 'must not be empty\u001b[31m', reason: 'FieldValueInvalid' }, 7];
    const status = { kind: 'Status', reason: 'Invalid', message: 'x is invalid', details: { causes } };
    const { client } = clientOf(await startStub(json(status, 422)));
    const error: unknown = await client.send({ path: '/' }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ServerError);
    expect(error).toMatchObject({
      status: 422,
      reason: 'Invalid',
      message: 'x is invalid',
      causes: [{ field: 'spec.hosts', message: 'must not be empty\\x1b[31m' }],
    });
  });

  for (const { status, code } of [
    { status: 404, code: 4 },
    { status: 409, code: 4 },
    { status: 422, code: 4 },
    { status: 429, code: 1 },
    { status: 500, code: 1 },
    { status: 503, code: 1 },
  ]) {
    it(`of status ${status} exits with ${code}`, async () => {
      const server = await startStub(json({ kind: 'Status', message: 'no' }, status));
      expect(await failure(server)).toEqual({ code, message: 'no' });
    });
  }
});

describe('an answer that is not from the rules API', () => {
  for (const { name, answer, message } of [
    { name: 'a web page', answer: text('<html>'), message: /it answers with text\/html; is this its HTTP port\?/ },
    { name: 'a web page with an error status', answer: text('<html>', 404), message: /it answers 404 with text\/html/ },
    { name: 'an error page', answer: text('oops', 502, 'text/plain'), message: /it answers 502 with text\/plain/ },
    { name: 'foreign JSON with an error status', answer: json({ error: 'x' }, 404), message: /it answers 404/ },
    { name: 'a status without a message', answer: json({ kind: 'Status' }, 400), message: /it answers 400/ },
    {
      name: 'invalid JSON',
      answer: text('{"a":', 200, 'application/json'),
      message: /something else than JSON \("\{\\"a\\":"\)/,
    },
    {
      name: 'invalid JSON with an error status',
      answer: text('{', 422, 'application/json'),
      message: /it answers 422/,
    },
    {
      name: 'a redirect',
      answer: json({}, 302, { location: 'http://127.0.0.1:1/' }),
      message: /it sends on to http:\/\/127.0.0.1:1\/ \(302\), which is not followed/,
    },
    {
      name: 'no content type',
      answer: (_request, response) => response.writeHead(200).end('{}'),
      message: /with no type/,
    },
  ] satisfies { name: string; answer: Answer; message: RegExp }[]) {
    it(`is reported: ${name}`, async () => {
      const { code, message: told } = await failure(await startStub(answer));
      expect(told).toMatch(message);
      expect(code).toBe(3);
    });
  }

  it('is reported: another protocol', async () => {
    const other = createServer((socket) => socket.end('SSH-2.0-x\r\n')).listen(0, '127.0.0.1');
    await once(other, 'listening');
    onTestFinished(() => void other.close());
    const address = other.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const { code, message } = await failure(`http://127.0.0.1:${port}`);
    expect(message).toContain('it does not speak HTTP/1.1 (the xDS port does not)');
    expect(code).toBe(3);
  });
});

describe('an unavailable server', () => {
  it('is reported if nothing listens', async () => {
    const server = `http://127.0.0.1:${await freePort()}`;
    expect(await failure(server)).toEqual({
      code: 3,
      message: `${server} (--server) cannot be reached: nothing listens there; see that it runs, or correct --server`,
    });
  });

  it('is reported with the remedy if no server was named', async () => {
    const { message } = await failure(`http://127.0.0.1:${await freePort()}`, { from: 'default' });
    expect(message).toMatch(/start it with "binnacle serve", or name another server with --server or BINNACLE_SERVER$/);
  });

  it('is reported for a port that fetch blocks', async () => {
    expect((await failure('http://127.0.0.1:6000')).message).toContain('clients refuse to speak HTTP on this port');
  });

  it('is reported if no answer arrives', async () => {
    const { code, message } = await failure(await startStub(() => {}), { timeoutMs: 100 });
    expect(message).toContain('no answer within 0.1 s (--timeout)');
    expect(code).toBe(3);
  });

  it('is reported if the answer breaks off', async () => {
    const server = await startStub((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' }).write('{"a"', () => {
        response.destroy();
      });
    });
    const { code, message } = await failure(server);
    expect(message).toContain('the connection ended before the answer was complete');
    expect(code).toBe(3);
  });

  it('is reported if the answer pauses too long', async () => {
    const server = await startStub((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/yaml' }).write('a: 1\n');
    });
    const stream = await clientOf(server).client.stream({ path: '/', pauseMs: 100 });
    const read = async () => {
      for await (const _ of stream);
    };
    await expect(read()).rejects.toThrow('no answer within');
  });

  it('is reported if the answer exceeds the limit', async () => {
    const server = await startStub(endless);
    const { code, message } = await failure(server, { maxAnswerBytes: 1_000_000 });
    expect(message).toMatch(/answers with more than 1000000 bytes$/);
    expect(code).toBe(1);
  });
});
