/**
 * Sum of hashes. It is equal for equal sets in any order, and identifies content whose order follows from its elements.
 */
export interface HashSum {
  add(hash: string): void;
  remove(hash: string): void;
  clone(): HashSum;
  text(): string;
}

/** Creates a sum of hashes made by `contentHash`. */
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
