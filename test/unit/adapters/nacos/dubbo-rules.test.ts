import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type FakeNacos, fakeNacosForTest } from '../../../support/nacos/fake-server.ts';
import { type NacosMesh, startNacosMesh } from '../../../support/nacos/mesh.ts';

const patience = { timeout: 60_000, interval: 10 };

async function start(): Promise<FakeNacos> {
  const server = await fakeNacosForTest();
  server.set('providers:demo.Greet::', [provider('10.0.0.1'), provider('10.0.0.2')]);
  return server;
}

function follow(server: FakeNacos): NacosMesh {
  const mesh = startNacosMesh({ servers: [server.address], grpcPortOffset: 0, settleSeconds: 0.05 });
  onTestFinished(mesh.close);
  return mesh;
}

const provider = (ip: string, metadata: Readonly<Record<string, string>> = {}) => ({
  ip,
  port: 20880,
  metadata: { protocol: 'dubbo', path: 'demo.Greet', application: 'greeter', ...metadata },
});
const disabled = (ip: string) =>
  `configs: [{side: provider, addresses: ['${ip}:20880'], parameters: {disabled: true}}]`;

describe('rules of Dubbo', () => {
  test('that are there apply from the first listing on', async () => {
    const server = await start();
    server.setConfig('demo.Greet::.configurators', disabled('10.0.0.2'), 'dubbo');
    const mesh = follow(server);
    await vi.waitFor(() => expect(mesh.state()).toBe('synced'), patience);
    expect(mesh.services()).toEqual(['demo 10.0.0.1']);
  });

  test('apply when they come, change and go', async () => {
    const server = await start();
    const mesh = follow(server);
    await vi.waitFor(() => expect(mesh.services()).toEqual(['demo 10.0.0.1 10.0.0.2']), patience);
    server.setConfig('greeter.configurators', `scope: application\n${disabled('10.0.0.1')}`, 'dubbo');
    await vi.waitFor(() => expect(mesh.services()).toEqual(['demo 10.0.0.2']), patience);
    server.setConfig('greeter.configurators', `scope: application\n${disabled('10.0.0.2')}`, 'dubbo');
    await vi.waitFor(() => expect(mesh.services()).toEqual(['demo 10.0.0.1']), patience);
    server.setConfig('greeter.configurators', null, 'dubbo');
    await vi.waitFor(() => expect(mesh.services()).toEqual(['demo 10.0.0.1 10.0.0.2']), patience);
  });

  test('become rules of the mesh, which go with them', async () => {
    const server = await start();
    const mesh = follow(server);
    server.setConfig('greeter.tag-router', 'tags: [{name: gray, addresses: [10.0.0.1]}]', 'dubbo');
    await vi.waitFor(
      () =>
        expect(mesh.objects()).toEqual([
          'DestinationRule public@@dubbo@@greeter.tag-router',
          'VirtualService public@@dubbo@@greeter.tag-router',
        ]),
      patience,
    );
    server.setConfig('greeter.tag-router', null, 'dubbo');
    await vi.waitFor(() => expect(mesh.objects()).toEqual([]), patience);
  });

  test('that are wrong are named, and do not keep others from applying', async () => {
    const server = await start();
    server.setConfig('greeter.condition-router', 'conditions: ["host=10.0.0.9 => host=10.0.0.1"]', 'dubbo');
    server.setConfig('greeter.script-router', 'x', 'dubbo');
    server.setConfig('demo.Greet::.configurators', disabled('10.0.0.2'), 'dubbo');
    const mesh = follow(server);
    await vi.waitFor(() => expect(mesh.services()).toEqual(['demo 10.0.0.1']), patience);
    expect(mesh.problems().toSorted()).toEqual([
      expect.stringMatching(/^public@@dubbo@@greeter.condition-router: .*address of the caller/),
      expect.stringMatching(/^public@@dubbo@@greeter.script-router: .*not supported/),
    ]);
  });

  test('that cannot be read are named, and services are served without them', async () => {
    const server = await start();
    server.refuse(403, 'ConfigBatchListenRequest');
    const mesh = follow(server);
    await vi.waitFor(() => expect(mesh.state()).toBe('synced'), patience);
    expect(mesh.services()).toEqual(['demo 10.0.0.1 10.0.0.2']);
    await vi.waitFor(
      () => expect(mesh.problems()).toEqual([expect.stringMatching(/rules of Dubbo cannot be read: .*refused/)]),
      patience,
    );
    server.setConfig('demo.Greet::.configurators', disabled('10.0.0.2'), 'dubbo');
    server.resume();
    await vi.waitFor(() => expect(mesh.services()).toEqual(['demo 10.0.0.1']), patience);
    expect(mesh.problems()).toEqual([]);
  });

  test('are not looked for where there is no service of Dubbo', async () => {
    const server = await fakeNacosForTest();
    server.set('orders', [{ ip: '10.0.0.1', port: 80 }]);
    const mesh = follow(server);
    await vi.waitFor(() => expect(mesh.services()).toEqual(['orders 10.0.0.1']), patience);
    expect([server.connections, server.requests.includes('ConfigBatchListenRequest')]).toEqual([1, false]);
  });
});
