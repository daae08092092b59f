import { deflateSync, gzipSync } from 'node:zlib';
import { callHeaders, endHeaders, endStream, headersFrame, http2Frame, resetFrame } from './frames.ts';
import { framed } from './harness.ts';

/** Random numbers that depend only on their seed (mulberry32). */
export interface FuzzRandom {
  /** Returns an integer from 0 to `limit` - 1. */
  below(limit: number): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly [T, ...T[]]): T;
}

export function randomFrom(seed: number): FuzzRandom {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    below: (limit) => Math.floor(next() * limit),
    chance: (probability) => next() < probability,
    pick: (from) => from[Math.floor(next() * from.length)] ?? from[0],
  };
}

/** Elements of calls. */
export interface Repertoire {
  readonly paths: readonly [string, ...string[]];
  /** Returns a message without its prefix. If left out, messages are random bytes, compressed or not. */
  readonly message?: (random: FuzzRandom, path: string) => Buffer;
}

/**
 * Returns the bytes of one client, in pieces as it writes them: an almost valid conversation, then damaged somewhere.
 */
export function hostileScript(random: FuzzRandom, repertoire: Repertoire): readonly Buffer[] {
  const frames = [Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), http2Frame('settings', 0, 0, Buffer.alloc(0))];
  const calls = 1 + random.below(6);
  for (let call = 0; call < calls; call++) frames.push(...callFrames(2 * call + 1, random, repertoire));
  if (random.chance(0.3)) shuffle(frames, random);
  // meaningful messages must arrive undamaged often enough
  const damage = repertoire.message === undefined ? 0.6 : 0.2;
  return pieces(random.chance(damage) ? damaged(Buffer.concat(frames), random) : Buffer.concat(frames), random);
}

function callFrames(streamId: number, random: FuzzRandom, { paths, message: write }: Repertoire): Buffer[] {
  const path = random.pick(paths);
  const odd = write === undefined || random.chance(0.2) ? oddHeaders(random) : {};
  const headers: Record<string, string> = { ...callHeaders, ':path': path, ...odd };
  const block = headersFrame(streamId, headers, random.chance(0.1) ? endHeaders | endStream : endHeaders);
  const frames = random.chance(0.15) ? inContinuations(block, streamId, random) : [block];
  const messages = random.below(5);
  for (let message = 0; message < messages; message++) {
    const bytes = messageBytes(random, write?.(random, path) ?? null);
    frames.push(http2Frame('data', random.chance(0.2) ? endStream : 0, streamId, bytes));
    if (random.chance(0.2)) frames.push(anyFrame(streamId, random));
  }
  if (random.chance(0.3)) frames.push(resetFrame(streamId, random.below(16)));
  return frames;
}

function oddHeaders(random: FuzzRandom): Record<string, string> {
  const odd: Record<string, string> = {};
  if (random.chance(0.3)) odd['grpc-encoding'] = random.pick(['gzip', 'deflate', 'identity', 'snappy', '']);
  if (random.chance(0.3)) odd['grpc-timeout'] = random.pick(['10m', '0n', '99999999H', '1', '-1S', '5x', '1u']);
  if (random.chance(0.3)) odd['grpc-accept-encoding'] = random.pick(['gzip', 'identity,gzip', ',,,', 'x']);
  if (random.chance(0.1)) odd['content-type'] = random.pick(['application/grpc+proto', 'text/plain', '']);
  if (random.chance(0.1)) odd[':method'] = random.pick(['GET', 'HEAD', 'CONNECT', 'PRI', '']);
  if (random.chance(0.1)) odd['x-some-bin'] = random.pick(['AAE', '====', '\xff', 'AA==,AA']);
  if (random.chance(0.05)) odd['content-length'] = random.pick(['0', '5', '99999', '-1']);
  if (random.chance(0.05)) odd.te = random.pick(['trailers', 'gzip']);
  if (random.chance(0.03)) odd.Upper = 'x';
  return odd;
}

const bomb = gzipSync(Buffer.alloc(1_000_000));

/** Builds a gRPC message whose prefix, contents and headers may disagree. Meaningful contents mostly stay unchanged. */
function messageBytes(random: FuzzRandom, contents: Buffer | null): Buffer {
  if (contents !== null && random.chance(0.8)) return framed(contents.toString('latin1')).subarray(0, 16_000);
  const text = contents ?? Buffer.alloc(random.pick([0, 1, 5, 100, 5000]), 97 + random.below(26));
  const message = framed(random.pick([text, text, gzipSync(text), deflateSync(text), bomb]).toString('latin1'));
  if (random.chance(0.4)) message[0] = random.pick([0, 1, 1, 2, 255]);
  if (random.chance(0.2))
    message.writeUInt32BE(random.pick([0, 1, message.length, 0x7fffffff, 0xffffffff, 100_000]), 1);
  return random.chance(0.2) ? message.subarray(0, random.below(message.length + 1)) : message.subarray(0, 16_000);
}

function anyFrame(streamId: number, random: FuzzRandom): Buffer {
  const type = random.pick([
    'data',
    'headers',
    'priority',
    'rstStream',
    'settings',
    'ping',
    'goaway',
    'windowUpdate',
    'continuation',
  ] as const);
  const payload = Buffer.from(Array.from({ length: random.pick([0, 4, 5, 6, 8, 8, 40]) }, () => random.below(256)));
  const frame = http2Frame(type, random.below(256), random.pick([0, streamId, streamId, 1, 2, 999]), payload);
  if (random.chance(0.1)) frame[3] = random.below(256); // an unknown type
  return frame;
}

function inContinuations(headers: Buffer, streamId: number, random: FuzzRandom): Buffer[] {
  const block = headers.subarray(9);
  const cut = random.below(block.length + 1);
  return [
    http2Frame('headers', 0, streamId, block.subarray(0, cut)),
    http2Frame('continuation', random.chance(0.8) ? endHeaders : 0, streamId, block.subarray(cut)),
  ];
}

/** Changes, removes, repeats or cuts off bytes. The preface mostly stays intact. */
function damaged(bytes: Buffer, random: FuzzRandom): Buffer {
  const start = random.chance(0.1) ? 0 : Math.min(24, bytes.length - 1);
  let result = Buffer.from(bytes);
  const times = 1 + random.below(4);
  for (let time = 0; time < times && result.length > start; time++) {
    const at = start + random.below(result.length - start);
    const length = random.below(40);
    const [before, middle, after] = [
      result.subarray(0, at),
      result.subarray(at, at + length),
      result.subarray(at + length),
    ];
    switch (random.below(5)) {
      case 0:
        result = Buffer.concat([before, after]);
        break;
      case 1:
        result = Buffer.concat([before, middle, middle, after]);
        break;
      case 2:
        result = Buffer.from(before);
        break;
      default:
        result[at] = random.below(256);
    }
  }
  return result;
}

function pieces(bytes: Buffer, random: FuzzRandom): readonly Buffer[] {
  const all: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = random.pick([1 + random.below(50), 1 + random.below(2000), bytes.length]);
    all.push(bytes.subarray(at, at + length));
    at += length;
    if (all.length > 50) return [...all, bytes.subarray(at)];
  }
  return all;
}

function shuffle<T>(values: T[], random: FuzzRandom): void {
  for (let at = values.length - 1; at > 1; at--) {
    const other = 1 + random.below(at);
    const [a, b] = [values[at], values[other]];
    if (a !== undefined && b !== undefined) [values[at], values[other]] = [b, a];
  }
}
