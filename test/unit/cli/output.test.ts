import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { readWarnings } from '../../../src/cli/rules/answer.ts';
import { changedPaths, inOrderOf, withoutServerFields } from '../../../src/cli/rules/changes.ts';
import { linesOf } from '../../../src/cli/rules/lines.ts';
import { documentText, plainText, tableText } from '../../../src/cli/rules/output.ts';
import { whileWaiting } from '../../../src/cli/rules/progress.ts';
import { unifiedDiff } from '../../../src/cli/rules/unified.ts';
import { cliWorld } from '../../support/cli.ts';

describe('output', () => {
  it('aligns a table without trailing spaces', () => {
    expect(
      tableText([
        ['NAME', 'AGE'],
        ['reviews-v2', ''],
        ['a', '5d'],
      ]),
    ).toBe('NAME         AGE\nreviews-v2\na            5d\n');
  });

  for (const { text, plain } of [
    { text: 'one\r\n  two', plain: 'one two' },
    { text: '\u001b[31mred', plain: '\\x1b[31mred' },
    { text: '\u009b31m', plain: '\\x9b31m' },
    { text: 'größe 名', plain: 'größe 名' },
  ]) {
    it(`escapes control characters in ${JSON.stringify(text)}`, () => {
      expect(plainText(text)).toBe(plain);
    });
  }

  it('writes YAML without folding lines and without aliases', async () => {
    const long = 'x '.repeat(100).trim();
    const shared = { a: 1 };
    expect(await documentText({ long, one: shared, two: shared }, 'yaml')).toBe(
      `long: ${long}\none:\n  a: 1\ntwo:\n  a: 1\n`,
    );
  });

  it('reads the warnings of a header', () => {
    expect(readWarnings('299 - "one, \\"two\\"", 299 binnacle "three"')).toEqual(['one, "two"', 'three']);
    expect(readWarnings(null)).toEqual([]);
  });

  it('joins lines across chunks, even within a character', async () => {
    const bytes = Buffer.from('{"a":"名"}\n\n{"b":1}\nrest');
    const pieces = async function* () {
      for (const byte of bytes) yield Uint8Array.of(byte);
    };
    const lines: string[] = [];
    for await (const line of linesOf(pieces())) lines.push(line);
    expect(lines).toEqual(['{"a":"名"}', '{"b":1}']);
  });
});

describe('differences', () => {
  it('list the changed fields', () => {
    const before = { spec: { hosts: ['a'], http: [{ weight: 1, timeout: '1s' }], old: 1 } };
    const after = { spec: { hosts: ['a', 'b'], http: [{ weight: 2, timeout: '1s' }], 'a.b': 1 } };
    expect(changedPaths(before, after)).toEqual(['spec.hosts', 'spec.http[0].weight', 'spec["a.b"]', 'spec.old']);
    expect(changedPaths(before, before)).toEqual([]);
  });

  it('ignore fields that servers write', () => {
    const object = {
      spec: {},
      status: { conditions: [] },
      metadata: { name: 'a', uid: 'u', resourceVersion: '3', generation: 1, creationTimestamp: 't', labels: {} },
      kind: 'A',
      apiVersion: 'v1',
    };
    expect(JSON.stringify(withoutServerFields(object))).toBe(
      '{"apiVersion":"v1","kind":"A","metadata":{"name":"a","labels":{}},"spec":{}}',
    );
  });

  it('are shown as a unified diff', () => {
    const names = ['server: A a', 'rules.yaml: document 1 (A a)'] as const;
    expect(unifiedDiff({ before: 'a: 1\nb: 2\n', after: 'a: 1\nb: 3\n', names })).toBe(
      '--- server: A a\n+++ rules.yaml: document 1 (A a)\n@@ -1,2 +1,2 @@\n a: 1\n-b: 2\n+b: 3\n',
    );
    expect(unifiedDiff({ before: '', after: 'a: 1\n', names })).toContain('@@ -0,0 +1,1 @@\n+a: 1\n');
    expect(unifiedDiff({ before: 'a', after: 'a', names })).toBe('');
  });
});

describe('progress', () => {
  for (const { atTerminal, want } of [
    { atTerminal: true, want: ['applying 3 objects …'] },
    { atTerminal: false, want: [] },
  ]) {
    it(`is ${atTerminal ? 'shown on a terminal' : 'not written to a file'}`, async () => {
      vi.useFakeTimers();
      onTestFinished(() => void vi.useRealTimers());
      const { context, errors } = cliWorld({ atTerminal });
      const { promise, resolve } = Promise.withResolvers<number>();
      const waiting = whileWaiting(promise, 'applying 3 objects', context);
      vi.advanceTimersByTime(999);
      expect(errors).toEqual([]);
      vi.advanceTimersByTime(1);
      expect(errors).toEqual(want);
      resolve(7);
      expect(await waiting).toBe(7);
      expect(vi.getTimerCount()).toBe(0);
    });
  }
});

it('compared objects have their fields in the order of the other side', () => {
  const live = { apiVersion: 'v1', spec: { hosts: ['a'], http: [{ route: [], timeout: '1s' }] } };
  const file = {
    spec: {
      http: [
        { retries: {}, timeout: '2s', route: [] },
        { b: 1, a: 2 },
      ],
      hosts: ['a'],
    },
    apiVersion: 'v1',
  };
  expect(JSON.stringify(inOrderOf(file, live))).toBe(
    '{"apiVersion":"v1","spec":{"hosts":["a"],"http":[{"route":[],"timeout":"2s","retries":{}},{"b":1,"a":2}]}}',
  );
  expect(JSON.stringify(inOrderOf(file, null))).toBe(JSON.stringify(file));
});
