import { credentials } from '@grpc/grpc-js';
import { expect, onTestFinished, test, vi } from 'vitest';
import { noLogin } from '../../../../adapters/nacos/login.ts';
import { createRotation, parseServer } from '../../../../adapters/nacos/servers.ts';
import { createWritingConnection } from '../../../../adapters/nacos/writer/writing-connection.ts';
import { systemClock } from '../../../../src/lib/clock.ts';
import { silentLogger } from '../../../../src/lib/logger.ts';
import { fakeNacosForTest } from '../../../support/nacos/fake-server.ts';

const patience = { timeout: 60_000, interval: 10 };

function open(servers: readonly string[]) {
  let losses = 0;
  const rotation = createRotation(
    servers.map((text) => {
      const server = parseServer(text, 0);
      if (!server.ok) throw new Error(server.error);
      return server.value;
    }),
  );
  const connection = createWritingConnection({
    rotation,
    security: async () => ({ credentials: credentials.createInsecure(), serverName: null }),
    login: noLogin,
    namespace: 'public',
    clock: systemClock,
    log: silentLogger,
    lost() {
      losses += 1;
    },
  });
  const abort = new AbortController();
  const running = connection.run(abort.signal);
  const end = async () => {
    abort.abort();
    await running;
  };
  onTestFinished(end);
  return { ...connection, end, losses: () => losses };
}

test('it connects when it is first used, and not before', async () => {
  const server = await fakeNacosForTest();
  const connection = open([server.address]);
  expect(server.connections).toBe(0);
  await connection.request('BatchInstanceRequest', {});
  expect(server.connections).toBe(1);
  expect(connection.losses()).toBe(0);
});

test('a loss is reported at once, and again when the next server can be used', async () => {
  const [first, second] = [await fakeNacosForTest(), await fakeNacosForTest()];
  const connection = open([first.address, second.address]);
  await connection.request('BatchInstanceRequest', {});
  first.stop();
  await vi.waitFor(() => expect(connection.losses()).toBe(2), patience);
  await connection.request('BatchInstanceRequest', {});
  expect(second.requests).toContain('BatchInstanceRequest');
});

test('without a server, requests are rejected with the reason', async () => {
  const server = await fakeNacosForTest();
  server.stop();
  const connection = open([server.address]);
  await expect(connection.request('BatchInstanceRequest', {})).rejects.toThrow(server.address);
});

test('after its end, requests are rejected', async () => {
  const server = await fakeNacosForTest();
  const connection = open([server.address]);
  await connection.end();
  await expect(connection.request('BatchInstanceRequest', {})).rejects.toThrow('it is shutting down');
});
