import { describe, expect, it } from 'vitest';
import { Server, Talker } from '../support/conversation.ts';
import { settled } from './settled.ts';

describe('a response is shared only with streams in the same state', () => {
  it('of the same protocol', () => {
    const server = new Server();
    server.commit({ endpoint: { a: '1' } });
    expect(new Talker(server, 'sotw').asks('endpoint', ['a'])).toEqual(['EDS a=1']);
    const delta = new Talker(server, 'delta');
    expect(delta.asks('endpoint', ['a'])).toEqual(['EDS a=1']);
    expect(delta.versionOf('a')).toBe('1');
  });

  it('with the same whole types', () => {
    const server = new Server();
    server.commit({ route: { 80: '1', 9080: '1' } });
    const [partial, whole] = [new Talker(server, 'sotw'), new Talker(server, 'sotw', ['cluster', 'listener', 'route'])];
    for (const client of [partial, whole]) {
      client.asks('route', ['80', '9080']);
      client.acks('route');
    }
    server.commit({ route: { 80: '2' } });
    expect(partial.hears()).toEqual(['RDS 80=2']);
    expect(whole.hears()).toEqual(['RDS 80=2 9080=1']);
  });

  it('with the same changes already sent', () => {
    const server = new Server();
    server.commit({ cluster: { a: '1', b: '1' } });
    const [quick, slow] = [new Talker(server, 'delta'), new Talker(server, 'delta')];
    for (const client of [quick, slow]) {
      client.asks('cluster');
      client.acks('cluster');
    }
    server.commit({ cluster: { a: '2' } });
    expect(quick.hears()).toEqual(['CDS a=2']);
    quick.acks('cluster');
    server.commit({ cluster: { b: '2' } });
    expect(quick.hears()).toEqual(['CDS b=2']);
    expect(slow.hears()).toEqual(['CDS a=2 b=2']);
  });

  for (const { mode, isTold, want } of [
    { mode: 'delta', isTold: true, want: 'CDS a=2 -b' },
    { mode: 'sotw', isTold: false, want: 'CDS a=2 b=1' },
  ] as const) {
    it(`${mode}: with the same removals ${isTold ? 'to send' : 'deferred'}`, () => {
      const { server, client } = settled(mode);
      server.commit({ cluster: { b: null }, route: { 80: '2' } });
      client.hears(); // the route, which is not acknowledged yet
      const newcomer = new Talker(server, mode); // has never had what is removed
      newcomer.asks('cluster');
      newcomer.acks('cluster');
      server.commit({ cluster: { a: '2' } });
      expect(newcomer.hears()).toEqual(['CDS a=2']);
      expect((isTold ? client.acks('route') : client.hears())[0]).toBe(want);
    });
  }
});
