import { describe, expect, it } from 'vitest';
import { namesIn } from '../../../src/xds/stream/mentions.ts';

const names = new Set(['a', 'b', 'outbound|80||a.test', '0.0.0.0_80', '[::1]_80', 'a.test:80']);

describe('the names in an error text', () => {
  for (const { title, error, want } of [
    {
      title: 'stand in front of what is said of each',
      error: 'Error adding/updating cluster(s) a: no, b: no',
      want: ['a', 'b'],
    },
    {
      title: 'do not include those in the text about another resource',
      error: 'outbound|80||a.test: there is no b',
      want: ['outbound|80||a.test'],
    },
    { title: 'may be anywhere if none is at the beginning', error: 'I do not like "b".', want: ['b'] },
    { title: 'are whole words', error: 'outbound|80||a.test.other and a.testing and ab', want: [] },
    {
      title: 'may be addresses',
      error: "Error adding/updating listener(s) 0.0.0.0_80: cannot bind '0.0.0.0:80'",
      want: ['0.0.0.0_80'],
    },
    { title: 'may be in brackets', error: 'errors: [resource index 0: a: no]', want: ['a'] },
    { title: 'may begin with a bracket', error: '[::1]_80: no', want: ['[::1]_80'] },
    { title: 'with a port do not match the port', error: 'a.test:80: no', want: ['a.test:80'] },
    {
      title: 'inside a configuration do not count, except its own',
      error: 'goo.gle/debugonly\nname: "a"\nalt_stat_name: "b"\n: Proto constraint validation failed (b)',
      want: ['a'],
    },
    {
      title: 'of an assignment is that of its cluster',
      error: 'goo.gle/debugproto cluster_name: "b" endpoints { hostname: "a" }: Proto constraint validation failed (a)',
      want: ['b'],
    },
  ]) {
    it(title, () => expect([...namesIn(error, (text) => names.has(text))]).toEqual(want));
  }

  it('are found with a few lookups per word, for any number of names', () => {
    let lookups = 0;
    namesIn('a '.repeat(1_000), () => {
      lookups++;
      return false;
    });
    expect(lookups).toBeLessThanOrEqual(3_000);
  });
});
