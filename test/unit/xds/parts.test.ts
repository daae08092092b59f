import { describe, expect, it } from 'vitest';
import { joinSmall } from '../../../src/xds/wire/parts.ts';

const bytes = (length: number, fill: number): Buffer => Buffer.alloc(length, fill);

describe('the parts of a response', () => {
  it('are one buffer if they are small', () => {
    const parts = [bytes(10, 1), bytes(20 << 10, 2), bytes(30, 3)];
    expect(joinSmall(parts)).toEqual([Buffer.concat(parts)]);
  });

  it('stay separate if they are large, with the small ones joined', () => {
    const [first, second] = [bytes(40 << 10, 1), bytes(40 << 10, 2)];
    const small = [bytes(10, 3), bytes(20, 4), bytes(30, 5), bytes(40, 6)] as const;
    const joined = joinSmall([small[0], small[1], first, second, small[2], small[3]]);
    expect(joined).toEqual([Buffer.concat(small.slice(0, 2)), first, second, Buffer.concat(small.slice(2))]);
    expect(joined[1]).toBe(first);
    expect(joined[2]).toBe(second);
  });
});
