import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jsonPatchHeaders, mergeType, rulesServer, urls, yamlType } from '../../support/rules-server.ts';
import { sampleObject } from '../../support/sample-kind.ts';

const { list, one } = urls;
const batch = '/rules/v1/batch';
const limitBytes = 10 * 1024 * 1024;

let { server, send, store, close } = rulesServer();
beforeEach(() => {
  ({ server, send, store, close } = rulesServer());
});
afterEach(() => close());

/** Builds a batch of objects with a body of this size. */
function bodyOf(bytes: number): string {
  const item = (index: number, filler: string) => sampleObject({ name: `n${index}`, spec: { hosts: [filler] } });
  const json = (last: string) =>
    JSON.stringify({
      kind: 'List',
      items: [...Array.from({ length: 9 }, (_, index) => item(index, 'x'.repeat(1e6))), item(9, last)],
    });
  return json('x'.repeat(bytes - json('').length));
}

const nested = (depth: number, [open, close]: readonly [string, string], inner = '1') =>
  `{"metadata":{"name":"reviews"},"spec":${open.repeat(depth)}${inner}${close.repeat(depth)}}`;

const bomb = [
  'a: &a [x,x,x,x,x,x,x,x,x]',
  ...'bcdefghi'.split('').map((name, index) => `${name}: &${name} [${`*${'abcdefgh'[index]},`.repeat(9)}]`),
].join('\n');

describe('hostile bodies', () => {
  it('just below the limit of 10 MiB are accepted', async () => {
    expect((await send('POST', batch, { body: bodyOf(limitBytes) })).code).toBe(200);
    expect((await send('GET', list)).text.length).toBeGreaterThan(limitBytes);
  });

  it('one byte above the limit are rejected', async () => {
    expect((await send('POST', batch, { body: bodyOf(limitBytes + 1) })).code).toBe(413);
  });

  it('of 10 MiB of YAML are accepted, while other requests are answered', async () => {
    const hosts = Array.from({ length: 30_000 }, (_, index) => `    - host-${index}.example.com`).join('\n');
    const documents = Array.from(
      { length: 10 },
      (_, index) =>
        `apiVersion: sample.binnacle.io/v1\nkind: SampleRoute\nmetadata: {name: r${index}}\nspec:\n  hosts:\n${hosts}\n`,
    );
    const big = send('POST', batch, { headers: yamlType, body: documents.join('---\n') });
    let answered = 0;
    let isDone = false;
    void big.finally(() => {
      isDone = true;
    });
    while (!isDone) {
      await send('GET', list);
      answered++;
      await new Promise(setImmediate);
    }
    expect((await big).code).toBe(200);
    expect(answered).toBeGreaterThan(20);
  }, 60_000);

  it.each([
    ['text', { hosts: ['x'.repeat(1_572_865)] }, 'an object may have 1572864 characters at most'],
    ['values', { hosts: Array(50_001).fill('a') }, 'an object may have 50000 values at most'],
    [
      'names',
      { hosts: ['a'], headers: Object.fromEntries(Array.from({ length: 50_001 }, (_, i) => [`${i}`, 1])) },
      '50000 values',
    ],
  ])('of one object with too much %s are refused', async (_what, spec, says) => {
    const sent = await send('POST', list, { body: sampleObject({ spec }) });
    expect(sent).toMatchObject({ code: 422, body: { message: expect.stringContaining(says) } });
    expect((await send('GET', one)).code).toBe(404);
  });

  for (const { name, body, headers, code, says } of [
    {
      name: 'deep JSON maps',
      body: nested(200, ['{"a":', '}']),
      code: 400,
      says: 'spec.a.a.a.a.a.a.a…: nested deeper than 100 levels',
    },
    { name: 'very deep JSON lists', body: nested(100_000, ['[', ']']), code: 400, says: 'spec[0][0][0]' },
    {
      name: 'deep YAML',
      headers: yamlType,
      body: nested(101, ['[', ']']),
      code: 400,
      says: 'nested deeper than 100 levels',
    },
    {
      name: 'very deep YAML',
      headers: yamlType,
      body: `spec: ${'['.repeat(20_000)}`,
      code: 400,
      says: 'nested too deep',
    },
    { name: 'very deep big YAML', headers: yamlType, body: '- '.repeat(100_000), code: 400, says: 'nested too deep' },
    { name: 'a YAML bomb', headers: yamlType, body: bomb, code: 400, says: 'write the values out' },
    {
      name: 'YAML that nests by aliases',
      headers: yamlType,
      body: `a0: &a0 [x]\n${Array.from({ length: 99 }, (_, n) => `a${n + 1}: &a${n + 1} [*a${n}]`).join('\n')}\n`,
      code: 400,
      says: '',
    },
    { name: 'invalid UTF-8', body: Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]), code: 400, says: 'not UTF-8' },
    { name: 'NUL bytes', headers: yamlType, body: 'metadata: {name: "a\0b"}', code: 400, says: 'NUL' },
    {
      name: 'NUL in a name',
      body: '{"metadata":{"name":"a\\u0000b"},"spec":{"hosts":["a"]}}',
      code: 422,
      says: 'metadata.name',
    },
    {
      name: 'a prototype in JSON',
      body: '{"metadata":{"name":"a"},"spec":{"__proto__":{"hosts":["a"]}}}',
      code: 400,
      says: 'spec.__proto__: no field may be called __proto__',
    },
    {
      name: 'a prototype spelled with an escape',
      body: '{"metadata":{"name":"a"},"spec":{"\\u005f_proto__":{}}}',
      code: 400,
      says: 'no field may be called __proto__',
    },
    {
      name: 'a prototype in YAML',
      headers: yamlType,
      body: 'metadata:\n  name: a\n  labels: {__proto__: x}\n',
      code: 400,
      says: 'metadata.labels.__proto__',
    },
    {
      name: 'a constructor',
      body: { ...sampleObject(), spec: { hosts: ['a'], constructor: {} } },
      code: 422,
      says: 'spec.constructor: unknown field',
    },
    { name: 'a name that is not a DNS name', body: sampleObject({ name: '../etc' }), code: 422, says: 'metadata.name' },
    { name: 'a name that is too long', body: sampleObject({ name: 'x'.repeat(254) }), code: 422, says: 'at most 253' },
    {
      name: 'a name that is not a text',
      body: { metadata: { name: ['a'] }, spec: {} },
      code: 422,
      says: 'metadata.name: expected string',
    },
    { name: 'metadata that are not a map', body: { metadata: 7 }, code: 400, says: 'metadata must be an object' },
    {
      name: 'a type that is not a text',
      headers: { 'content-type': 'json' },
      body: '{}',
      code: 415,
      says: 'application/json',
    },
    { name: 'a number', body: '7', code: 400, says: 'must be an object, not a number' },
    { name: 'null', body: 'null', code: 400, says: 'the body is empty' },
  ] as const) {
    it(`with ${name} are rejected: ${code}`, async () => {
      const answer = await send('POST', list, { headers: headers ?? {}, body });
      expect(answer.code).toBe(code);
      expect(answer.body).toMatchObject({ kind: 'Status', status: 'Failure' });
      expect(answer.body.message).toContain(says);
      expect((await store.list('SampleRoute')).items).toEqual([]);
      expect(({} as Record<string, unknown>).hosts).toBeUndefined();
    });
  }

  it('accept a name of 253 characters and return it', async () => {
    const name = `${'x'.repeat(252)}y`;
    expect((await send('POST', list, { body: sampleObject({ name }) })).code).toBe(201);
    expect((await send('GET', `${list}/${name}`)).code).toBe(200);
  });
});

describe('hostile patches', () => {
  beforeEach(async () => {
    await send('POST', list, { body: sampleObject() });
  });

  for (const { name, headers, body, code, says } of [
    {
      name: 'a prototype',
      headers: mergeType,
      body: '{"__proto__":{"x":1}}',
      code: 400,
      says: 'no field may be called __proto__',
    },
    {
      name: 'deep maps',
      headers: mergeType,
      body: `${'{"a":'.repeat(150)}1${'}'.repeat(150)}`,
      code: 400,
      says: 'nested deeper',
    },
    {
      name: 'copies of copies',
      headers: jsonPatchHeaders,
      body: Array.from({ length: 100 }, (_, index) => ({ op: 'copy', from: '/spec', path: `/spec/c${index}` })),
      code: 422,
      says: 'copies more than 10 MiB',
    },
    {
      name: 'nesting by moves',
      headers: jsonPatchHeaders,
      body: Array.from({ length: 3_000 }, () => [
        { op: 'add', path: '/spec/next', value: {} },
        { op: 'copy', from: '/metadata/name', path: '/spec/next/n' },
        { op: 'move', from: '/spec/next', path: '/next' },
      ]).flatMap(([add, copy, move], index) =>
        index === 0
          ? [add, copy, move]
          : [
              { op: 'add', path: '/t', value: {} },
              { op: 'move', from: '/next', path: '/t/n' },
              { op: 'move', from: '/t', path: '/next' },
            ],
      ),
      code: 422,
      says: 'nested deeper than 100 levels',
    },
  ] as const) {
    it(`with ${name} are rejected: ${code}`, async () => {
      const before = await store.list('SampleRoute');
      const answer = await send('PATCH', one, { headers, body });
      expect(answer.code).toBe(code);
      expect(answer.body.message).toContain(says);
      expect(await store.list('SampleRoute')).toEqual(before);
    });
  }
});

describe('hostile URLs', () => {
  for (const { name, url, code } of [
    { name: 'an encoded slash', url: `${list}/a%2Fb`, code: 404 },
    { name: 'a slash in a namespace', url: list.replace('default', 'default%2Fsampleroutes'), code: 200 },
    { name: 'dots', url: `${list}/..%2f..%2fetc`, code: 404 },
    { name: 'a broken escape', url: `${list}/%zz`, code: 400 },
    { name: 'a NUL', url: `${list}/a%00b`, code: 404 },
    { name: 'a name that is too long', url: `${list}/${'x'.repeat(5_000)}`, code: 404 },
    { name: 'a long query', url: `${list}?x=${'y'.repeat(10_000)}`, code: 200 },
    { name: 'a prototype in the query', url: `${list}?__proto__=1&constructor=2`, code: 200 },
  ]) {
    it(`with ${name}: ${code}`, async () => {
      const answer = await send('GET', url);
      expect(answer.code).toBe(code);
      if (code >= 400) expect(answer.body).toMatchObject({ kind: 'Status', code });
      else expect(answer.body.items).toEqual([]);
    });
  }

  it('write nothing under an invalid name', async () => {
    const url = list.replace('default', 'a%2Fb');
    expect(await send('POST', url, { body: { metadata: { name: 'c' }, spec: { hosts: ['a'] } } })).toMatchObject({
      code: 422,
      body: { details: { causes: [{ field: 'metadata.namespace' }] } },
    });
    expect((await send('PUT', `${list}/A%20b`, { body: { spec: { hosts: ['a'] } } })).code).toBe(422);
  });

  for (const { name, request, says } of [
    { name: 'over 16 KiB', request: `GET /${'x'.repeat(20_000)} HTTP/1.1\r\n\r\n`, says: '16 KiB at most' },
    { name: 'that is not HTTP', request: 'HELLO\r\n\r\n', says: 'no HTTP/1.1 request' },
  ]) {
    it(`${name} also get a Status`, async () => {
      const { port } = new URL(await server.listen({ host: '127.0.0.1', port: 0 }));
      const socket = connect(Number(port), '127.0.0.1');
      socket.write(request);
      const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
      expect(head).toContain('HTTP/1.1 400');
      expect(JSON.parse(body)).toMatchObject({ kind: 'Status', code: 400, message: expect.stringContaining(says) });
    });
  }
});

describe('ten thousand objects', () => {
  it('are written as one batch, listed and exported', async () => {
    const items = Array.from({ length: 10_000 }, (_, index) => sampleObject({ name: `route-${index}` }));
    const { code, body } = await send('POST', '/rules/v1/batch', { body: { kind: 'List', items } });
    expect([code, body.items.length]).toEqual([200, 10_000]);
    expect((await send('GET', list)).body.items).toHaveLength(10_000);
    const exported = await send('GET', '/rules/v1/export', { headers: { accept: 'application/json' } });
    expect(exported.body.items).toHaveLength(10_000);
  }, 30_000);
});
