import { request } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isGzipAccepted } from '../../../src/api/gzip.ts';
import { eventually } from '../../support/eventually.ts';
import { sampleLists, watchServer } from '../../support/watch-server.ts';

let server: Awaited<ReturnType<typeof watchServer>>;
beforeEach(async () => {
  server = await watchServer();
});
afterEach(() => server.close());

interface Answer {
  readonly headers: Readonly<Record<string, unknown>>;
  readonly bytes: Buffer;
}

const ask = (headers: Record<string, string>): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port: server.port, path: sampleLists, headers }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => resolve({ headers: incoming.headers, bytes: Buffer.concat(chunks) }));
    });
    outgoing.on('error', reject).end();
  });
const items = (bytes: Buffer): unknown[] => JSON.parse(bytes.toString()).items;

describe('compression of answers', () => {
  it('compresses a big answer for a client that accepts gzip', async () => {
    await server.putMany(1_000);
    const packed = await ask({ 'accept-encoding': 'gzip' });
    expect(packed.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept, Accept-Encoding' });
    const plain = await ask({});
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(packed.bytes.length).toBeLessThan(plain.bytes.length / 5);
    expect(items(gunzipSync(packed.bytes))).toEqual(items(plain.bytes));
    expect(items(plain.bytes)).toHaveLength(1_000);
  });

  it('sends a small answer uncompressed, with its length', async () => {
    await server.putMany(10);
    const { headers, bytes } = await ask({ 'accept-encoding': 'gzip' });
    expect(headers['content-encoding']).toBeUndefined();
    expect(headers['content-length']).toBe(String(bytes.length));
    expect(items(bytes)).toHaveLength(10);
  });

  it('sends an empty list as a list', async () => {
    expect(items((await ask({})).bytes)).toEqual([]);
  });

  it('does not compress watches', async () => {
    await server.putMany(1_000);
    const watch = server.watch('', { 'accept-encoding': 'gzip' });
    await eventually(() => watch.events.length === 1_000, { what: 'all objects' });
    expect((await watch.answered).headers['content-encoding']).toBeUndefined();
  });

  for (const { header, want } of [
    { header: 'gzip', want: true },
    { header: 'deflate, GZIP;q=0.5', want: true },
    { header: '*', want: true },
    { header: 'gzip;q=0', want: false },
    { header: 'gzip;q=0.0', want: false },
    { header: 'br', want: false },
    { header: undefined, want: false },
  ]) {
    it(`Accept-Encoding: ${header} ${want ? 'accepts' : 'does not accept'} gzip`, () =>
      expect(isGzipAccepted(header)).toBe(want));
  }

  it('lets other work run while a list of 10,000 objects is built', async () => {
    await server.putMany(10_000, ['x'.repeat(600)]);
    let turns = 0;
    let isDone = false;
    const count = () => {
      turns++;
      if (!isDone) setImmediate(count);
    };
    count();
    const { bytes } = await ask({ 'accept-encoding': 'gzip' });
    isDone = true;
    expect(items(gunzipSync(bytes))).toHaveLength(10_000);
    expect(turns).toBeGreaterThan(100);
  });
});
