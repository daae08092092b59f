import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { parseBody } from '../../../src/api/rules/body/parse.ts';
import { parseInThread } from '../../../src/api/rules/body/thread.ts';

const bytes = (text: string) => Buffer.from(text);

const duplicatesOf = (text: string, format: 'json' | 'yaml') => {
  const parsed = parseBody(bytes(text), format, 'one');
  return parsed.ok ? parsed.value.flatMap(({ duplicates }) => duplicates) : parsed.error;
};

describe('duplicate keys', () => {
  for (const [text, want] of [
    ['{"a":1,"b":{"a":1}}', []],
    ['{"a":1,"a":2}', [['a']]],
    [
      '{"a":[{"b":1,"b":2,"b":3}]}',
      [
        ['a', 0, 'b'],
        ['a', 0, 'b'],
      ],
    ],
    ['[[],{"a":{},"c":[1,"a",{"a":1}],"a":[]}]', [[1, 'a']]],
    ['{"a":1,"\\u0061":2}', [['a']]],
    ['{"a\\\\":1,"a\\"":2,"a\\\\":3}', [['a\\']]],
    ['{"":1,"":2}', [['']]],
    ['{"a":"\\"b\\":1,","b":"}{"}', []],
  ] as const) {
    it(`of ${text} are found in JSON, and in YAML`, () => {
      expect(duplicatesOf(text, 'json')).toEqual(want);
      expect(duplicatesOf(text, 'yaml')).toEqual(want);
    });
  }

  it('are never reported for output of JSON.stringify', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const text = JSON.stringify(value);
        fc.pre(!text.includes('__proto__'));
        expect(duplicatesOf(text, 'json')).toEqual([]);
      }),
    );
  });

  it('are found at any position', () => {
    const name = fc.string({ minLength: 1 }).filter((text) => text !== '__proto__');
    fc.assert(
      fc.property(fc.array(name, { maxLength: 5 }), name, fc.jsonValue({ maxDepth: 3 }), (path, key, value) => {
        const field = `${JSON.stringify(key)}:${JSON.stringify(value)}`;
        fc.pre(!field.includes('__proto__'));
        const text = path.reduceRight((inner, step) => `{${JSON.stringify(step)}:${inner}}`, `{${field},${field}}`);
        expect(duplicatesOf(text, 'json')).toEqual([[...path, key]]);
      }),
    );
  });
});

describe('a body of many objects', () => {
  const a = { kind: 'A', n: 1 };
  const b = { kind: 'B', s: 'yes', l: [null, true] };
  for (const { name, format, text } of [
    { name: 'a JSON List', format: 'json', text: JSON.stringify({ kind: 'List', items: [a, b] }) },
    { name: 'a List of a kind', format: 'json', text: JSON.stringify({ kind: 'AList', items: [a, b] }) },
    { name: 'a YAML stream', format: 'yaml', text: `---\n${stringify(a)}---\n# nothing\n---\n${stringify(b)}...\n` },
    {
      name: 'a YAML stream of Lists',
      format: 'yaml',
      text: `${stringify({ kind: 'List', items: [a] })}---\n${stringify({ kind: 'List', items: [b] })}`,
    },
    {
      name: 'JSON as YAML, with a byte order mark',
      format: 'yaml',
      text: `\uFEFF${JSON.stringify({ kind: 'List', items: [a, b] })}`,
    },
    {
      name: 'YAML with anchors and merge keys',
      format: 'yaml',
      text: 'x: &x {n: 1}\nkind: List\nitems:\n  - {kind: A, <<: *x}\n  - {kind: B, s: "yes", l: [null, true]}\n',
    },
  ] as const) {
    it(`is read from ${name}, in this thread and in another`, async () => {
      const here = parseBody(bytes(text), format, 'many');
      expect(here.ok && here.value.map(({ value }) => value)).toEqual([a, b]);
      expect(await parseInThread({ bytes: bytes(text), format, shape: 'many' })).toEqual(here);
    });
  }

  it('reports duplicate keys for the object that contains them', () => {
    const text = '{"kind":"List","items":[{"a":1},{"a":1,"a":2}]}';
    const parsed = parseBody(bytes(text), 'json', 'many');
    expect(parsed.ok && parsed.value.map(({ duplicates }) => duplicates)).toEqual([[], [['a']]]);
  });

  for (const [text, says] of [
    ['{"kind":"List","items":{}}', 'items of the List must be a list'],
    ['{"kind":"List","items":[],"items":[]}', 'the List has items twice'],
    ['[]', 'must be an object or a List of objects, not a list'],
    ['{"kind":', 'not JSON'],
  ] as const) {
    it(`is rejected for ${text}, in this thread and in another`, async () => {
      const here = parseBody(bytes(text), 'json', 'many');
      expect(here.ok ? 'was taken' : here.error).toContain(says);
      expect(await parseInThread({ bytes: bytes(text), format: 'json', shape: 'many' })).toEqual(here);
    });
  }
});
