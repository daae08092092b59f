import { describe, expect, it } from 'vitest';
import { jsonPatch, PatchError } from '../../../src/api/rules/patches/json-patch.ts';

/** Examples of RFC 6902, appendix A, and cases beyond them. */
describe('a JSON patch', () => {
  for (const { name, target, patch, want } of [
    {
      name: 'A.1 adds a member',
      target: { foo: 'bar' },
      patch: [{ op: 'add', path: '/baz', value: 'qux' }],
      want: { baz: 'qux', foo: 'bar' },
    },
    {
      name: 'A.2 adds an element',
      target: { foo: ['bar', 'baz'] },
      patch: [{ op: 'add', path: '/foo/1', value: 'qux' }],
      want: { foo: ['bar', 'qux', 'baz'] },
    },
    {
      name: 'A.3 removes a member',
      target: { baz: 'qux', foo: 'bar' },
      patch: [{ op: 'remove', path: '/baz' }],
      want: { foo: 'bar' },
    },
    {
      name: 'A.4 removes an element',
      target: { foo: ['bar', 'qux', 'baz'] },
      patch: [{ op: 'remove', path: '/foo/1' }],
      want: { foo: ['bar', 'baz'] },
    },
    {
      name: 'A.5 replaces a value',
      target: { baz: 'qux', foo: 'bar' },
      patch: [{ op: 'replace', path: '/baz', value: 'boo' }],
      want: { baz: 'boo', foo: 'bar' },
    },
    {
      name: 'A.6 moves a value',
      target: { foo: { bar: 'baz', waldo: 'fred' }, qux: { corge: 'grault' } },
      patch: [{ op: 'move', from: '/foo/waldo', path: '/qux/thud' }],
      want: { foo: { bar: 'baz' }, qux: { corge: 'grault', thud: 'fred' } },
    },
    {
      name: 'A.7 moves an element',
      target: { foo: ['all', 'grass', 'cows', 'eat'] },
      patch: [{ op: 'move', from: '/foo/1', path: '/foo/3' }],
      want: { foo: ['all', 'cows', 'eat', 'grass'] },
    },
    {
      name: 'A.8 tests values',
      target: { baz: 'qux', foo: ['a', 2, 'c'] },
      patch: [
        { op: 'test', path: '/baz', value: 'qux' },
        { op: 'test', path: '/foo/1', value: 2 },
      ],
      want: { baz: 'qux', foo: ['a', 2, 'c'] },
    },
    {
      name: 'A.10 adds a map',
      target: { foo: 'bar' },
      patch: [{ op: 'add', path: '/child', value: { grandchild: {} } }],
      want: { foo: 'bar', child: { grandchild: {} } },
    },
    {
      name: 'A.11 ignores unknown fields',
      target: { foo: 'bar' },
      patch: [{ op: 'add', path: '/baz', value: 'qux', xyz: 123 }],
      want: { foo: 'bar', baz: 'qux' },
    },
    {
      name: 'A.14 unescapes paths',
      target: { '/': 9, '~1': 10 },
      patch: [{ op: 'test', path: '/~01', value: 10 }],
      want: { '/': 9, '~1': 10 },
    },
    {
      name: 'A.16 appends an element',
      target: { foo: ['bar'] },
      patch: [{ op: 'add', path: '/foo/-', value: ['abc', 'def'] }],
      want: { foo: ['bar', ['abc', 'def']] },
    },
    {
      name: 'copies',
      target: { a: { b: 1 } },
      patch: [
        { op: 'copy', from: '/a', path: '/c' },
        { op: 'replace', path: '/c/b', value: 2 },
      ],
      want: { a: { b: 1 }, c: { b: 2 } },
    },
    {
      name: 'replaces the whole object',
      target: { a: 1 },
      patch: [{ op: 'replace', path: '', value: { b: 2 } }],
      want: { b: 2 },
    },
    {
      name: 'accepts null as a value',
      target: { a: 1 },
      patch: [
        { op: 'replace', path: '/a', value: null },
        { op: 'test', path: '/a', value: null },
      ],
      want: { a: null },
    },
    {
      name: 'treats constructor as an ordinary key',
      target: { a: {} },
      patch: [{ op: 'add', path: '/a/constructor', value: 1 }],
      want: { a: { constructor: 1 } },
    },
    {
      name: 'moves a value onto itself',
      target: { a: [1] },
      patch: [{ op: 'move', from: '/a/0', path: '/a/0' }],
      want: { a: [1] },
    },
  ]) {
    it(name, () => {
      const before = structuredClone<unknown>(target);
      expect(jsonPatch(target, patch)).toEqual<unknown>(want);
      expect<unknown>(target).toEqual(before);
    });
  }

  for (const { name, target, operation, says } of [
    {
      name: 'A.9 a failing test',
      target: { baz: 'qux' },
      operation: { op: 'test', path: '/baz', value: 'bar' },
      says: 'the test of /baz failed',
    },
    {
      name: 'A.12 adding below a missing member',
      target: { foo: 'bar' },
      operation: { op: 'add', path: '/baz/bat', value: 'qux' },
      says: '/baz does not exist',
    },
    {
      name: 'A.15 a test of text against a number',
      target: { '~1': 10 },
      operation: { op: 'test', path: '/~01', value: '10' },
      says: 'the test of /~01 failed',
    },
    {
      name: 'a test of an inherited member',
      target: {},
      operation: { op: 'test', path: '/toString', value: 1 },
      says: '/toString does not exist',
    },
    {
      name: 'removing an inherited member',
      target: {},
      operation: { op: 'remove', path: '/constructor' },
      says: '/constructor does not exist',
    },
    {
      name: 'an index beyond the end',
      target: [1],
      operation: { op: 'add', path: '/2', value: 0 },
      says: 'beyond the end',
    },
    {
      name: 'an invalid index',
      target: [1],
      operation: { op: 'replace', path: '/x', value: 0 },
      says: 'a list has numbers',
    },
    {
      name: 'an index with a leading zero',
      target: [1, 2],
      operation: { op: 'remove', path: '/01' },
      says: 'a list has numbers',
    },
    {
      name: 'replacing the end',
      target: [1],
      operation: { op: 'replace', path: '/-', value: 0 },
      says: 'a list has numbers',
    },
    {
      name: 'the length of a list',
      target: [1],
      operation: { op: 'replace', path: '/length', value: 0 },
      says: 'a list has numbers',
    },
    {
      name: 'a member of a text',
      target: 'abc',
      operation: { op: 'replace', path: '/0', value: 'x' },
      says: '/0 does not exist',
    },
    {
      name: 'moving a value into itself',
      target: { a: { b: 1 } },
      operation: { op: 'move', from: '/a', path: '/a/b' },
      says: 'cannot be moved into itself',
    },
    { name: 'removing the whole object', target: {}, operation: { op: 'remove', path: '' }, says: 'cannot be removed' },
    { name: 'no value', target: {}, operation: { op: 'add', path: '/a' }, says: 'needs a value' },
    { name: 'no path', target: {}, operation: { op: 'add', value: 1 }, says: 'path must be a JSON pointer' },
    {
      name: 'a path without a slash',
      target: {},
      operation: { op: 'add', path: 'a', value: 1 },
      says: 'path must be a JSON pointer',
    },
    { name: 'an unknown op', target: {}, operation: { op: 'spam', path: '/a' }, says: 'op must be add' },
    { name: 'no operation', target: {}, operation: 7, says: 'must be an object' },
    { name: 'a prototype', target: {}, operation: { op: 'add', path: '/__proto__/a', value: 1 }, says: '__proto__' },
  ]) {
    it(`is rejected for ${name}`, () => {
      const patch = () => jsonPatch(target, [{ op: 'test', path: '', value: target }, operation]);
      expect(patch).toThrow(PatchError);
      expect(patch).toThrow(says);
      expect(patch).toThrow('operation 1: ');
    });
  }
});
