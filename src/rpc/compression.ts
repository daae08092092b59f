import { gunzip, gzip, inflate, type ZlibOptions } from 'node:zlib';
import { prefixLength } from './frame.ts';
import { MessageTooLarge } from './message-too-large.ts';
import { RpcError } from './status.ts';

type Decompressor = (
  bytes: Uint8Array,
  options: ZlibOptions,
  done: (error: Error | null, result: Buffer) => void,
) => void;

const decompressors: ReadonlyMap<string, Decompressor> = new Map([
  ['gzip', gunzip],
  ['deflate', inflate],
]);

/** Value of the header `grpc-accept-encoding`. */
export const acceptedEncodings = ['identity', ...decompressors.keys()].join(',');

/** Returns whether messages with this `grpc-encoding` can be read. */
export const isKnownEncoding = (encoding: string): boolean => encoding === 'identity' || decompressors.has(encoding);

/**
 * Compresses one message, given in parts, with gzip, and puts its prefix in front. All calls whose response headers say
 * `gzip` may share the result. Runs off the main thread.
 */
export async function compressedFrame(parts: readonly Uint8Array[]): Promise<readonly Uint8Array[]> {
  const compressed = await new Promise<Buffer>((resolve, reject) => {
    // level 1: higher levels are slower and save little
    gzip(parts.length === 1 ? (parts[0] ?? '') : Buffer.concat(parts), { level: 1 }, (error, result) => {
      if (error === null) resolve(result);
      else reject(error);
    });
  });
  const prefix = Buffer.allocUnsafe(prefixLength);
  prefix[0] = 1;
  prefix.writeUInt32BE(compressed.length, 1);
  return [prefix, compressed];
}

/** Returns whether a `grpc-accept-encoding` names gzip. */
export const namesGzip = (accepted: string): boolean =>
  accepted.split(',').some((encoding) => encoding.trim() === 'gzip');

/** Decompression of one call's messages. */
export interface DecompressOptions {
  /** The call's `grpc-encoding`. */
  readonly encoding: string;
  /** Limit of the decompressed message: a small message may decompress to any length. */
  readonly maxBytes: number;
}

/** Decompresses one message off the main thread. Rejects only with a RpcError. */
export function decompress(bytes: Uint8Array, { encoding, maxBytes }: DecompressOptions): Promise<Buffer> {
  const decompressor = decompressors.get(encoding);
  if (decompressor === undefined) {
    // the specification requires INTERNAL when the flag says compressed and the header does not
    return Promise.reject(new RpcError('INTERNAL', `compressed message in a call with encoding ${encoding}`));
  }
  return new Promise((resolve, reject) => {
    decompressor(bytes, { maxOutputLength: Math.max(1, maxBytes) }, (error, result) => {
      if (error === null) resolve(result);
      else reject(refusal(error, encoding, maxBytes));
    });
  });
}

function refusal(error: Error, encoding: string, maxBytes: number): RpcError {
  if ('code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') {
    return new MessageTooLarge(`decompressed message is over the limit of ${maxBytes} bytes`);
  }
  return new RpcError('INTERNAL', `message is not valid ${encoding}`, { cause: error });
}
