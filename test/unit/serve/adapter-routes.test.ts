import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { adapters } from '../../../adapters/index.ts';
import { configurable } from '../../../src/adapter-contract/configurable.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import type { AuditEntry } from '../../../src/rules/store.ts';
import { createAdapters } from '../../../src/serve/adapters.ts';
import { adapterContext } from '../../support/adapter-context.ts';
import { adapterServer } from '../../support/adapter-server.ts';
import { httpAdapter } from '../../support/http-adapter/index.ts';
import { testRegistry } from '../../support/registry.ts';

const configOf = (name: string, port: number) => ({
  ...{ type: 'http-test', name, required: false, syncTimeoutSeconds: 1 },
  options: { port },
});

/** An adapter that is its folder and a line in the list, as the program makes it from its configuration. */
function program(...configured: ReturnType<typeof configOf>[]) {
  const { registry, clock } = testRegistry();
  const noted: AuditEntry[] = [];
  const made = createAdapters(
    { adapters: configured, dataDir: '/nowhere', domainSuffix: 'cluster.local' },
    {
      ...{ clock, log: silentLogger, registry },
      observerOf: () => adapterContext({ dataDir: '' }).observer,
      definitions: [...adapters, configurable(httpAdapter)],
    },
  );
  const trail = { clock, note: async (entry: AuditEntry) => void noted.push(entry) };
  const server = adapterServer(
    made.map(({ adapter }) => adapter),
    { trail },
  );
  onTestFinished(async () => {
    await server.close();
    await registry.close();
  });
  return { server, noted };
}

it('an adapter of one folder and one line serves its routes, and their changes are in the audit trail', async () => {
  const { server, noted } = program(configOf('first', 80));
  const headers = { 'x-binnacle-author': 'an agent' };
  const response = await server.inject({
    method: 'PUT',
    url: '/example/a.b',
    headers,
    payload: { address: '10.0.0.1' },
  });
  expect([response.statusCode, response.json()]).toEqual([
    201,
    { adapter: 'first', host: 'a.b', address: '10.0.0.1', port: 80 },
  ]);
  expect(noted).toMatchObject([{ author: 'an agent', verb: 'register', kind: 'Example', name: 'a.b', code: 200 }]);
});

it('an adapter can answer with lines', async () => {
  const { server } = program(configOf('first', 80));
  await server.inject({ method: 'PUT', url: '/example/a.b', payload: { address: '10.0.0.1' } });
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo; // it listens on TCP
  const request = get({ host: '127.0.0.1', port, path: '/example' });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const [line] = await once(response, 'data');
  expect([response.headers['content-type'], String(line)]).toEqual(['application/x-ndjson', 'a.b 10.0.0.1\n']);
  request.destroy();
});

it('of two adapters with equal routes, the first one serves them', async () => {
  const { server } = program(configOf('first', 80), configOf('second', 90));
  const response = await server.inject({ method: 'PUT', url: '/example/a.b', payload: { address: '10.0.0.1' } });
  expect(response.json()).toMatchObject({ adapter: 'first', port: 80 });
});

it("an unreadable body is rejected in the adapter's format", async () => {
  const { server } = program(configOf('first', 80));
  const headers = { 'content-type': 'application/json' };
  const response = await server.inject({ method: 'PUT', url: '/example/a.b', headers, payload: '{' });
  expect([response.statusCode, Object.keys(response.json())]).toEqual([400, ['example']]);
});
