/**
 * A sum of hashes: equal for equal sets in whatever order they came, and changed by what changes. What has a fixed order by itself is
 * told from others by it.
 */
export interface HashSum {
  add(hash: string): void;
  remove(hash: string): void;
  clone(): HashSum;
  text(): string;
}

/** Hashes are those of `contentHash`. */
export function createHashSum(start = 0n): HashSum {
  let sum = start;
  return {
    add(hash) {
      sum = BigInt.asUintN(bits, sum + numberOf(hash));
    },
    remove(hash) {
      sum = BigInt.asUintN(bits, sum - numberOf(hash));
    },
    clone: () => createHashSum(sum),
    text: () => sum.toString(36),
  };
}

const bits = 96;

const numberOf = (hash: string): bigint => BigInt(`0x${Buffer.from(hash, 'base64url').toString('hex')}`);
