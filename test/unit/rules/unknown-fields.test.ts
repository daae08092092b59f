import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { pruneUnknown } from '../../../src/rules/validation/unknown-fields.ts';

const text = z.string().optional();
const either = z.union([z.strictObject({ a: text }), z.strictObject({ b: text, c: text })]);
const inList = z.strictObject({ list: z.array(either) });
const exactOrPrefix = z.union([z.strictObject({ exact: z.string() }), z.strictObject({ prefix: z.string() })]);
const deep = z.union([z.strictObject({ in: exactOrPrefix }), z.strictObject({ other: z.number() })]);

describe('a value without its unknown fields', () => {
  for (const { name, schema, value, want, dropped } of [
    { name: 'is itself when nothing is unknown', schema: either, value: { b: 'x' }, want: { b: 'x' }, dropped: [] },
    {
      name: 'keeps fields that one of its forms knows',
      schema: either,
      value: { b: 'x', c: 'y', z: 1 },
      want: { b: 'x', c: 'y' },
      dropped: [['z']],
    },
    {
      name: 'keeps the form that matches otherwise',
      schema: exactOrPrefix,
      value: { exact: 'x', z: 1 },
      want: { exact: 'x' },
      dropped: [['z']],
    },
    {
      name: 'keeps a form within a form',
      schema: deep,
      value: { in: { prefix: 'x', y: 1 }, z: 1 },
      want: { in: { prefix: 'x' } },
      dropped: [['z'], ['in', 'y']],
    },
    {
      name: 'passes over forms of another type',
      schema: z.union([z.string(), z.strictObject({ a: text })]),
      value: { a: 'x', z: 1 },
      want: { a: 'x' },
      dropped: [['z']],
    },
    {
      name: 'loses them in every element of a list',
      schema: inList,
      value: { list: [{ a: 'x', z: 1 }, { a: 'x' }, { z: 1 }] },
      want: { list: [{ a: 'x' }, { a: 'x' }, {}] },
      dropped: [
        ['list', 0, 'z'],
        ['list', 2, 'z'],
      ],
    },
  ]) {
    it(name, () => {
      const before = structuredClone<unknown>(value);
      const pruned = pruneUnknown<unknown>(schema, value);
      expect(pruned.result.success).toBe(true);
      expect(pruned.value).toEqual<unknown>(want);
      expect(pruned.dropped.toSorted()).toEqual(dropped.toSorted());
      expect<unknown>(value).toEqual(before);
    });
  }

  it('is still invalid when it has other errors', () => {
    expect(pruneUnknown(exactOrPrefix, { exact: 1, z: 1 }).result.success).toBe(false);
    expect(pruneUnknown(either, { a: 1, z: 1 }).result.success).toBe(false);
  });

  it('is invalid when it mixes two forms', () => {
    expect(pruneUnknown(exactOrPrefix, { exact: 'x', prefix: 'y', z: 1 }).result.success).toBe(false);
    expect(pruneUnknown(either, { a: 'x', b: 'y' }).result.success).toBe(false);
  });
});
