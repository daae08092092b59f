import { randomNumbers } from '../../support/store-random.ts';

/** Choices that a seed determines. */
export interface Random {
  /** Returns an integer from 0 to `below` - 1. */
  below(below: number): number;
  chance(share: number): boolean;
  of<T>(items: readonly T[]): T;
}

export function randomOf(seed: number): Random {
  const next = randomNumbers(seed);
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    below,
    chance: (share) => next() < share,
    of: (items) => {
      const item = items[below(items.length)];
      if (item === undefined) throw new Error('nothing to choose from');
      return item;
    },
  };
}
