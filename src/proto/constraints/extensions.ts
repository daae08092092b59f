import type { Any } from '@bufbuild/protobuf/wkt';
import type { Violation } from './message-check.ts';

/** Larger extensions rarely occur twice. */
const smallBytes = 256;
const maxRemembered = 1_000;

/**
 * Caches verdicts on small extensions: most clusters and routes contain the same few, and each check must decode them.
 */
export function rememberedForSmall(check: (any: Any) => Violation | null): (any: Any) => Violation | null {
  const verdicts = new Map<string, Violation | null>();
  return (any) => {
    if (any.value.length > smallBytes) return check(any);
    const key = `${any.typeUrl}\n${Buffer.from(any.value.buffer, any.value.byteOffset, any.value.length).toString('latin1')}`;
    const known = verdicts.get(key);
    if (known !== undefined) return known;
    const verdict = check(any);
    if (verdicts.size === maxRemembered) verdicts.clear();
    verdicts.set(key, verdict);
    return verdict;
  };
}
