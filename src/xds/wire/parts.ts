import { lengthOf } from '../../proto/wire.ts';

/** Below this size, parts are joined into one buffer, which is fastest to write. */
const largeBytes = 64 << 10;
/** In larger messages, parts from this size on are not copied, because other messages share them. */
const sharedPartBytes = 16 << 10;

/** The same bytes in few parts: small ones are joined, large ones stay as they are. */
export function joinSmall(parts: readonly Uint8Array[]): readonly Uint8Array[] {
  if (lengthOf(parts) < largeBytes) return [joined(parts)];
  const result: Uint8Array[] = [];
  let small: Uint8Array[] = [];
  const flush = () => {
    if (small.length > 0) result.push(joined(small));
    small = [];
  };
  for (const part of parts) {
    if (part.length < sharedPartBytes) small.push(part);
    else {
      flush();
      result.push(part);
    }
  }
  flush();
  return result;
}

const joined = (parts: readonly Uint8Array[]): Uint8Array =>
  parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
