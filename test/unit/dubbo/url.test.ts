import { describe, expect, it } from 'vitest';
import { parseServiceUrl } from '../../../src/dubbo/url.ts';

const parsed = (text: string) => {
  const url = parseServiceUrl(text);
  if (!url.ok) throw new Error(url.error);
  return { ...url.value, parameters: Object.fromEntries(url.value.parameters) };
};

describe('parseServiceUrl', () => {
  it('reads the encoded name of a node that a real provider made', () => {
    const name =
      'dubbo%3A%2F%2F10.9.8.7%3A20880%2Fdemo.GreetService%3Fapplication%3Ddemo-if%26methods%3Dadd%2Chello%26timestamp%3D1795252645721';
    expect(parsed(name)).toEqual({
      protocol: 'dubbo',
      host: '10.9.8.7',
      port: 20880,
      path: 'demo.GreetService',
      parameters: { application: 'demo-if', methods: 'add,hello', timestamp: '1795252645721' },
    });
  });

  for (const { text, host, port } of [
    { text: 'dubbo://[2001:db8::1]:20880/a.B', host: '2001:db8::1', port: 20880 },
    { text: 'dubbo://2001:db8::1:20880/a.B', host: '2001:db8::1', port: 20880 },
    { text: 'dubbo%3A%2F%2F%5B2001%3Adb8%3A%3A1%5D%3A20880%2Fa.B', host: '2001:db8::1', port: 20880 },
    { text: 'dubbo://[2001:db8::1]/a.B', host: '2001:db8::1', port: null },
    { text: 'dubbo://user:secret@10.0.0.1:1/a.B', host: '10.0.0.1', port: 1 },
    { text: 'consumer://10.0.0.1/a.B', host: '10.0.0.1', port: null },
    { text: 'motan2://provider.example:8002/a.B', host: 'provider.example', port: 8002 },
    { text: 'empty:///a.B', host: '', port: null },
  ]) {
    it(`finds address and port of ${text}`, () => {
      expect(parsed(text)).toMatchObject({ host, port, path: 'a.B' });
    });
  }

  const values: readonly { title: string; text: string; want: Record<string, string> }[] = [
    { title: 'encoded once', text: 'a=app%3A+x', want: { a: 'app: x' } },
    { title: 'encoded twice', text: 'a=app%253A%2520x', want: { a: 'app: x' } },
    { title: 'with a plus that nothing encoded', text: 'version=1.0+build', want: { version: '1.0+build' } },
    { title: 'with equals signs', text: 'rule=host=1&b=2', want: { rule: 'host=1', b: '2' } },
    { title: 'without a value', text: 'a&b=', want: { a: 'a', b: '' } },
    { title: 'named like members of objects', text: '__proto__=x&constructor=y', want: { constructor: 'y' } },
  ];
  for (const { title, text, want } of values) {
    it(`decodes a parameter ${title}`, () => {
      const { parameters } = parsed(`dubbo://10.0.0.1:1/a.B?${text}`);
      expect(parameters).toMatchObject(want);
    });
    it(`decodes a parameter ${title}, in an encoded URL`, () => {
      const { parameters } = parsed(encodeURIComponent(`dubbo://10.0.0.1:1/a.B?${text}`));
      expect(parameters).toMatchObject(want);
    });
  }

  for (const { text, error } of [
    { text: 'dubbo%3A%2F%2F10.0.0.1%3A1%2Fa%zz', error: 'is not properly percent-encoded' },
    { text: 'dubbo%3A%2F%2F10.0.0.1%FF', error: 'is not properly percent-encoded' },
    { text: 'dubbo://10.0.0.1:1/a?b=%zz', error: "its parameter 'b=%zz' is not properly percent-encoded" },
    { text: 'dubbo://10.0.0.1:70000/a', error: "its port '70000' is no number from 0 to 65535" },
    { text: 'dubbo://10.0.0.1:-1/a', error: "its port '-1' is no number from 0 to 65535" },
    { text: 'dubbo://10.0.0.1:x/a', error: "its port 'x' is no number from 0 to 65535" },
    { text: 'hello', error: 'is not a URL: it has no protocol' },
    { text: '', error: 'is not a URL: it has no protocol' },
    { text: `dubbo://10.0.0.1:1/a?b=${'x'.repeat(70_000)}`, error: 'is longer than 65536 characters' },
  ]) {
    it(`refuses ${text.slice(0, 40)}: it ${error}`, () => {
      expect(parseServiceUrl(text)).toEqual({ ok: false, error });
    });
  }
});
