import { expect, test } from 'vitest';
import { isCallableName, nameKey, parseNameKey } from '../../../../adapters/nacos/names.ts';

for (const { key, want } of [
  { key: 'public@@DEFAULT_GROUP@@orders', want: { namespace: 'public', group: 'DEFAULT_GROUP', name: 'orders' } },
  { key: 'public@@A@B@@c@@d', want: { namespace: 'public', group: 'A@B', name: 'c@@d' } },
  { key: 'public@@G@@', want: { namespace: 'public', group: 'G', name: '' } },
  { key: 'public@@orders', want: null },
  { key: 'orders', want: null },
]) {
  test(`the key ${key} is split from the left`, () => {
    expect(parseNameKey(key)).toEqual(want);
    if (want !== null) expect(nameKey(want)).toBe(key);
  });
}

for (const { name, want } of [
  { name: 'orders', want: true },
  { name: 'providers:demo.GreetService:1.0.0:g1', want: true },
  { name: 'consumers:demo.GreetService:1.0.0:g1', want: false },
  { name: ' ', want: false },
  { name: '', want: false },
]) {
  test(`a service named '${name}' ${want ? 'can be called' : 'is skipped'}`, () => {
    expect(isCallableName({ namespace: 'public', group: 'G', name })).toBe(want);
  });
}
