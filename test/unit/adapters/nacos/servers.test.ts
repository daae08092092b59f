import { describe, expect, test } from 'vitest';
import { createRotation, parseServer } from '../../../../adapters/nacos/servers.ts';

describe('the address of a server', () => {
  for (const { text, target, url } of [
    { text: '10.0.0.1:8848', target: '10.0.0.1:9848', url: 'http://10.0.0.1:8848' },
    { text: 'nacos.example', target: 'nacos.example:9848', url: 'http://nacos.example:8848' },
    { text: 'https://nacos.example:443', target: 'nacos.example:1443', url: 'https://nacos.example:443' },
    { text: '[fd00::1]:8848', target: '[fd00::1]:9848', url: 'http://[fd00::1]:8848' },
  ]) {
    test(`${text} has gRPC at ${target}`, () => {
      expect(parseServer(text, 1_000)).toEqual({ ok: true, value: { target, url } });
    });
  }
  for (const text of ['', 'a b', '10.0.0.1:8848/nacos', 'user@10.0.0.1:8848', '10.0.0.1:65000']) {
    test(`'${text}' is refused`, () => {
      expect(parseServer(text, 1_000).ok).toBe(false);
    });
  }
});

describe('the order of servers', () => {
  const [a, b] = [
    { target: 'a', url: '' },
    { target: 'b', url: '' },
  ];

  test('goes on to the next one after a failure, and counts rounds in which all failed', () => {
    const rotation = createRotation([a, b]);
    expect(rotation.current()).toBe(a);
    expect(rotation.failed()).toBe(0);
    expect(rotation.current()).toBe(b);
    expect(rotation.failed()).toBe(1);
    expect(rotation.current()).toBe(a);
    rotation.succeeded();
    expect(rotation.failed()).toBe(0);
  });

  test('asks all others for a second opinion', () => {
    const rotation = createRotation([a, b]);
    rotation.failed();
    expect(rotation.others()).toEqual([a]);
    expect(createRotation([a]).others()).toEqual([]);
  });
});
