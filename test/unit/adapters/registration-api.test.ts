import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FastifyInstance, fastify } from 'fastify';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createRegistrationBook, type RunningBook } from '../../../adapters/registration/book.ts';
import { registrationHttp } from '../../../adapters/registration/http/routes.ts';
import { createJournal } from '../../../adapters/registration/journal.ts';
import { createRegistrar } from '../../../adapters/registration/registries/registrar.ts';
import type { SubscriptionBook } from '../../../adapters/registration/subscriptions/contract.ts';
import type { AuditEntry } from '../../../src/rules/store.ts';
import { adapterServer } from '../../support/adapter-server.ts';
import { fakeClock } from '../../support/fake-clock.ts';

let directory = '';
let server: FastifyInstance = fastify();
let book: RunningBook;
let noted: AuditEntry[] = [];
const registrationRefusal = ({ hostname }: { hostname: string }) =>
  hostname === 'taken.example' ? 'taken.example is defined by others' : null;
const clock = fakeClock();
const subscriptions: SubscriptionBook = {
  put: () => Promise.reject(new Error('these tests subscribe to nothing')),
  remove: async () => 0,
  heartbeat: async () => 0,
  list: async () => [],
};
const noRegistries = createRegistrar({
  clock,
  writers: () => new Map(),
  answerMs: 0,
  sidecarPorts: {},
  refused: () => {},
});

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'binnacle-api-'));
  const journal = createJournal(directory);
  book = createRegistrationBook({
    clock,
    journal,
    defaultTtlSeconds: 30,
    emptyServiceSeconds: 600,
    changed: () => {},
    journalled: () => {},
  });
  await book.load();
  noted = [];
  const trail = { clock, note: async (entry: AuditEntry) => void noted.push(entry) };
  server = adapterServer(
    [{ http: registrationHttp({ book, registrar: noRegistries, subscriptions, registrationRefusal }) }],
    {
      trail,
    },
  );
});
afterEach(async () => {
  await server.close();
  await book.close();
  await rm(directory, { recursive: true, force: true });
});

const orders = '/registry/v1/namespaces/shop/services/orders.example';
const body = { address: '10.0.0.1', ports: [{ name: 'http', port: 8080, protocol: 'HTTP' }] };

const call = async (method: 'GET' | 'PUT' | 'POST' | 'DELETE', url: string, payload?: object) => {
  const response = await server.inject({ method, url, ...(payload === undefined ? {} : { payload }) });
  return { status: response.statusCode, body: response.body === '' ? null : response.json() };
};

test('an instance is put, read, renewed, listed and deleted', async () => {
  expect(await call('PUT', `${orders}/instances/one`, body)).toEqual({
    status: 201,
    body: {
      namespace: 'shop',
      host: 'orders.example',
      id: 'one',
      address: '10.0.0.1',
      ports: [{ name: 'http', port: 8080, protocol: 'http' }],
      labels: {},
      weight: 1,
      locality: '',
      ttlSeconds: 30,
      registeredAt: new Date(clock.now()).toISOString(),
      expiresAt: new Date(clock.now() + 30_000).toISOString(),
    },
  });
  expect(await call('PUT', `${orders}/instances/one`, { ...body, weight: 5 })).toMatchObject({
    status: 200,
    body: { weight: 5 },
  });
  expect(await call('GET', `${orders}/instances/one`)).toMatchObject({ status: 200, body: { weight: 5 } });
  expect(await call('PUT', `${orders}/instances/one/heartbeat`)).toMatchObject({ status: 200 });
  expect(await call('GET', `${orders}/instances`)).toMatchObject({ status: 200, body: { instances: [{ id: 'one' }] } });
  expect(await call('GET', '/registry/v1/namespaces/shop/services')).toMatchObject({
    body: { services: [{ host: 'orders.example', instances: 1 }] },
  });
  expect(await call('DELETE', `${orders}/instances/one`)).toEqual({ status: 204, body: null });
  expect(await call('GET', `${orders}/instances/one`)).toMatchObject({ status: 404 });
  expect(await call('PUT', `${orders}/instances/one/heartbeat`)).toMatchObject({
    status: 404,
    body: { error: expect.stringContaining('register again') },
  });
  expect(await call('DELETE', orders)).toMatchObject({ status: 204 });
});

test('an address is stored in canonical form', async () => {
  await call('PUT', `${orders}/instances/one`, { ...body, address: 'FD00:0::1' });
  expect(await call('GET', `${orders}/instances/one`)).toMatchObject({ body: { address: 'fd00::1' } });
});

test('virtual addresses are shown as put, in canonical form, and belong to the service', async () => {
  const put = await call('PUT', `${orders}/instances/one`, { ...body, vips: ['10.96.0.1', 'FD00:0::96'] });
  expect(put.body).toMatchObject({ vips: ['10.96.0.1', 'fd00::96'] });
  expect(await call('GET', '/registry/v1/namespaces/shop/services')).toMatchObject({
    body: { services: [{ host: 'orders.example', vips: ['10.96.0.1', 'fd00::96'] }] },
  });
});

for (const { name, url, payload, field } of [
  {
    name: 'an invalid virtual address',
    url: `${orders}/instances/one`,
    payload: { ...body, vips: ['10.96.0.1', '0.0.0.0'] },
    field: 'vips[1]',
  },
  { name: 'no address', url: `${orders}/instances/one`, payload: { ...body, address: 'localhost' }, field: 'address' },
  {
    name: 'port out of range',
    url: `${orders}/instances/one`,
    payload: { ...body, ports: [{ name: 'a', port: 0 }] },
    field: 'ports[0].port',
  },
  {
    name: 'a wildcard address',
    url: `${orders}/instances/one`,
    payload: { ...body, address: '0:0::0' },
    field: 'address',
  },
  {
    name: 'a port of the sidecar itself',
    url: `${orders}/instances/one`,
    payload: { ...body, ports: [{ name: 'a', port: 1, servicePort: 15_001 }] },
    field: 'ports[0].servicePort',
  },
  {
    name: 'two ports of one name',
    url: `${orders}/instances/one`,
    payload: {
      ...body,
      ports: [
        { name: 'a', port: 1 },
        { name: 'a', port: 2 },
      ],
    },
    field: 'ports[1].name',
  },
  {
    name: 'unknown protocol',
    url: `${orders}/instances/one`,
    payload: { ...body, ports: [{ name: 'a', port: 1, protocol: 'smtp' }] },
    field: 'ports[0].protocol',
  },
  {
    name: 'unknown field',
    url: `${orders}/instances/one`,
    payload: { ...body, ports: [{ name: 'a', port: 1, prot: 'http' }] },
    field: 'ports[0].prot',
  },
  {
    name: 'wrong namespace',
    url: '/registry/v1/namespaces/Shop_/services/a.b/instances/one',
    payload: body,
    field: 'namespace',
  },
  {
    name: 'wildcard host',
    url: '/registry/v1/namespaces/shop/services/*.b/instances/one',
    payload: body,
    field: 'host',
  },
]) {
  test(`rejected with its field: ${name}`, async () => {
    expect(await call('PUT', url, payload)).toMatchObject({ status: 400, body: { problems: [{ field }] } });
    expect(await book.services('shop')).toEqual([]);
  });
}

test('a batch with one mistake changes nothing', async () => {
  const item = (id: string) => ({ namespace: 'shop', host: 'orders.example', id, ...body });
  expect(await call('POST', '/registry/v1/batch', { put: [item('a'), item('!')] })).toMatchObject({
    status: 400,
    body: { problems: [{ field: 'put[1].id' }] },
  });
  expect(await book.instances('shop')).toEqual([]);
  expect(await call('POST', '/registry/v1/batch', { put: [item('a'), item('b')] })).toMatchObject({
    status: 200,
    body: { put: [{ id: 'a' }, { id: 'b' }] },
  });
  const remove = { namespace: 'shop', host: 'Orders.example', id: 'a' };
  expect(await call('POST', '/registry/v1/batch', { delete: [remove, { ...remove, id: 'x' }] })).toMatchObject({
    body: { deleted: [true, false] },
  });
});

test('a watch sends existing instances, then changes, and ends with its client', async () => {
  await call('PUT', `${orders}/instances/one`, body);
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo; // it listens on TCP
  const request = get({ host: '127.0.0.1', port, path: '/registry/v1/namespaces/shop/services?watch=true' });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const lines = linesOf(response);
  expect(await lines.next()).toMatchObject({ value: { type: 'put', instance: { id: 'one' } } });
  expect(await lines.next()).toMatchObject({ value: { type: 'synced' } });
  await call('PUT', `${orders}/instances/two`, body);
  expect(await lines.next()).toMatchObject({ value: { type: 'put', instance: { id: 'two' } } });
  clock.advance(31_000);
  expect(await lines.next()).toMatchObject({ value: { type: 'delete', key: { id: 'one' }, reason: 'expired' } });
  request.destroy();
});

async function* linesOf(response: IncomingMessage): AsyncGenerator<object, void, void> {
  let rest = '';
  for await (const chunk of response) {
    const parts = `${rest}${chunk}`.split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) yield JSON.parse(part);
  }
}

test('the audit trail has the author of each change, and no heartbeats', async () => {
  const headers = { 'x-binnacle-author': 'vm agent' };
  const send = async (method: 'PUT' | 'POST' | 'DELETE', url: string, payload?: object) =>
    server.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
  await send('PUT', `${orders}/instances/one`, body);
  await send('PUT', `${orders}/instances/one`, body);
  await send('PUT', `${orders}/instances/one/heartbeat`);
  await send('PUT', `${orders}/instances/bad!`, body);
  const item = { ...body, namespace: 'shop', host: 'orders.example' };
  await send('POST', '/registry/v1/batch', {
    put: [
      { ...item, id: 'two' },
      { ...item, id: 'three' },
      { ...item, id: 'one' },
    ],
    delete: [{ namespace: 'shop', host: 'orders.example', id: 'none' }],
  });
  await send('DELETE', `${orders}/instances/two`);
  await send('DELETE', orders);
  expect(noted.map(({ author, verb, namespace, name }) => [author, verb, namespace, name].join(' '))).toEqual([
    'vm agent register shop orders.example/one',
    'vm agent register shop orders.example (2 instances)',
    'vm agent deregister shop orders.example/two',
    'vm agent deregister shop orders.example (2 instances)',
  ]);
});

test('a service that another adapter defines is rejected, and so is a whole batch with one', async () => {
  const taken = '/registry/v1/namespaces/shop/services/Taken.example/instances/one';
  const error = 'taken.example is defined by others';
  expect(await call('PUT', taken, body)).toEqual({
    status: 409,
    body: { error, problems: [{ field: 'host', message: error }] },
  });
  const put = ['orders.example', 'taken.example'].map((host) => ({ ...body, namespace: 'shop', host, id: 'one' }));
  expect(await call('POST', '/registry/v1/batch', { put })).toMatchObject({
    ...{ status: 409, body: { problems: [{ field: 'put[1].host' }] } },
  });
  expect(await call('GET', `${orders}/instances/one`)).toMatchObject({ status: 404 });
  await book.write([{ ...registration, host: 'taken.example' }], []);
  expect(await call('GET', taken)).toMatchObject({ status: 200, body: { problem: error } });
  expect(await call('PUT', `${taken}/heartbeat`)).toMatchObject({ status: 200, body: { problem: error } });
});

const registration = {
  ...{
    namespace: 'shop',
    host: '',
    id: 'one',
    address: '10.0.0.1',
    labels: {},
    weight: 1,
    locality: '',
    ttlSeconds: null,
  },
  ports: [{ name: 'http', port: 8080, protocol: 'http' as const, servicePort: null }],
};

for (const { method, path, need } of [
  { method: 'GET', path: 'namespaces/shop/services', need: { type: 'read-registrations', namespace: 'shop' } },
  {
    method: 'GET',
    path: 'namespaces/shop/services/a/instances',
    need: { type: 'read-registrations', namespace: 'shop' },
  },
  {
    method: 'GET',
    path: 'namespaces/sh%6Fp/services/a/instances/1',
    need: { type: 'read-registrations', namespace: 'shop' },
  },
  { method: 'PUT', path: 'namespaces/shop/services/a/instances/1', need: { type: 'register', namespace: 'shop' } },
  {
    method: 'PUT',
    path: 'namespaces/shop/services/a/instances/1/heartbeat',
    need: { type: 'register', namespace: 'shop' },
  },
  { method: 'DELETE', path: 'namespaces/shop/services/a/instances/1', need: { type: 'register', namespace: 'shop' } },
  { method: 'DELETE', path: 'namespaces/shop/services/a', need: { type: 'register', namespace: 'shop' } },
  { method: 'POST', path: 'batch', need: { type: 'register', namespace: null } },
] as const) {
  test(`${method} ${path} needs ${need.type}, and a refusal is the API's own`, async () => {
    const asked: unknown[] = [];
    const closed = adapterServer(
      [{ http: registrationHttp({ book, registrar: noRegistries, subscriptions, registrationRefusal }) }],
      {
        accessCheck: {
          admit(one) {
            asked.push(one.need);
            return { type: 'refused', reason: 'forbidden', message: 'not yours', caller: null };
          },
          onChange: () => {},
        },
      },
    );
    const response = await closed.inject({ method, url: `/registry/v1/${path}` });
    expect([asked, response.statusCode, response.json()]).toEqual([[need], 403, { error: 'not yours', problems: [] }]);
    await closed.close();
  });
}
