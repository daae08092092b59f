import { beforeEach, expect, test } from 'vitest';
import { config, dubboNaming, nacosHostnames } from '../../../../adapters/nacos/config.ts';
import { NacosError } from '../../../../adapters/nacos/connection.ts';
import { createNacosWriter } from '../../../../adapters/nacos/writer/writer.ts';
import type { RegistryEntry } from '../../../../src/adapter-contract/registry-writer.ts';
import { hostname } from '../../../../src/model/names.ts';

interface Sent {
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read the bodies that they expect
  readonly body: any;
}

let sent: Sent[] = [];
let accepted: string[] = [];
let refuse: (body: Sent['body']) => NacosError | null = () => null;
beforeEach(() => {
  sent = [];
  accepted = [];
  refuse = () => null;
});

function writer(given: object = {}) {
  const settings = config.parse({ servers: ['127.0.0.1:8848'], ...given });
  const template = nacosHostnames(settings);
  if (!template.ok) throw new Error(template.error);
  return createNacosWriter({
    hostnames: template.value,
    names: settings.names,
    dubbo: dubboNaming(settings),
    namespaces: settings.namespaces,
    meshNamespaceOf: (namespace) => settings.meshNamespaces[namespace] ?? namespace,
    group: null,
    keys: settings.metadataKeys,
    cluster: 'DEFAULT',
    async request(type, body) {
      sent.push({ type, body });
      const refusal = refuse(body);
      if (refusal !== null) throw refusal;
      return {};
    },
    onLost: () => () => {},
    accepted: (_, instances) =>
      accepted.push(
        instances
          .map(({ ip }) => ip)
          .sort()
          .join(' '),
      ),
  });
}

const orders = { namespace: 'public', hostname: hostname('orders.default-group.public.nacos') };
const greet = { namespace: 'public', hostname: hostname('demo._greet_service.g-g1.v-1.0.0.dubbo') };

const entry = (id: string, fields: Partial<RegistryEntry> = {}): RegistryEntry => ({
  id,
  address: `10.0.0.${id.charCodeAt(0) - 96}`,
  ports: [{ name: 'http', protocol: 'http', port: 8080 }],
  labels: {},
  weight: 1,
  locality: '',
  registeredAtMs: 1_700_000_000_000,
  ...fields,
});

const addresses = ({ body }: Sent): string =>
  body.instances
    .map(({ ip }: { ip: string }) => ip)
    .sort()
    .join(' ');

test('each request has the complete set of a service, and the last instance is deregistered', async () => {
  const nacos = writer();
  expect(await nacos.write(orders, [entry('a')])).toEqual(new Map());
  await nacos.write(orders, [entry('a'), entry('b')]);
  await nacos.write(orders, [entry('b')]);
  expect(sent.map(addresses)).toEqual(['10.0.0.1', '10.0.0.1 10.0.0.2', '10.0.0.2']);
  expect(sent[0]).toEqual({
    type: 'BatchInstanceRequest',
    body: {
      ...{ namespace: 'public', groupName: 'DEFAULT_GROUP', serviceName: 'orders', module: 'naming' },
      type: 'batchRegisterInstance',
      instances: [
        {
          ...{ ip: '10.0.0.1', port: 8080, weight: 1, healthy: true, enabled: true, ephemeral: true },
          clusterName: 'DEFAULT',
          metadata: { protocol: 'http' },
        },
      ],
    },
  });
  await nacos.write(orders, []);
  expect(sent.at(-1)).toMatchObject({ type: 'InstanceRequest', body: { type: 'deregisterInstance' } });
});

test('labels, locality and protocol become metadata, with the configured keys', async () => {
  const nacos = writer({ metadataKeys: { version: 'ver', zone: 'az' } });
  const labels = { version: 'v2', app: 'orders', 'nacos.cluster': 'DEFAULT' };
  const ports = [
    { name: 'web', protocol: 'http', port: 8080 },
    { name: 'grpc', protocol: 'grpc', port: 9090 },
  ] as const;
  await nacos.write(orders, [entry('a', { labels, ports, locality: 'eu/eu-1', weight: 3 })]);
  const metadata = { version: 'v2', ver: 'v2', app: 'orders', region: 'eu', az: 'eu-1' };
  expect(sent[0]?.body.instances.sort((a: { port: number }, b: { port: number }) => a.port - b.port)).toMatchObject([
    { port: 8080, weight: 3, metadata: { ...metadata, protocol: 'http' } },
    { port: 9090, weight: 3, metadata: { ...metadata, protocol: 'grpc' } },
  ]);
});

test("a service of Dubbo is registered under Dubbo's name, with the parameters of its URL", async () => {
  const nacos = writer();
  const ports = [{ name: 'dubbo', protocol: 'tcp', port: 20_882 }] as const;
  const labels = { application: 'greeter', methods: 'add,hello', group: 'other', side: 'consumer' };
  await nacos.write(greet, [entry('a', { ports, labels, locality: 'eu' })]);
  expect(sent[0]?.body).toMatchObject({
    groupName: 'DEFAULT_GROUP',
    serviceName: 'providers:demo.GreetService:1.0.0:g1',
  });
  expect(sent[0]?.body.instances[0].metadata).toEqual({
    ...{ application: 'greeter', methods: 'add,hello', region: 'eu', timestamp: '1700000000000' },
    ...{ interface: 'demo.GreetService', path: 'demo.GreetService', group: 'g1', version: '1.0.0', protocol: 'dubbo' },
    ...{ category: 'providers', side: 'provider', dubbo: '2.0.2', dynamic: 'true', generic: 'false' },
    ...{ deprecated: 'false', release: '3.3.5' },
  });
});

test('a service with a hostname of its own is registered under its name', async () => {
  const nacos = writer({ names: { orders: 'orders.example', 'G@@a@@b': 'b.example' } });
  await nacos.write({ ...orders, hostname: hostname('orders.example') }, [entry('a')]);
  await nacos.write({ ...orders, hostname: hostname('b.example') }, [entry('a')]);
  expect(sent.map(({ body }) => `${body.groupName} ${body.serviceName}`)).toEqual(['DEFAULT_GROUP orders', 'G a@@b']);
});

test('an application of Dubbo keeps its metadata, with the ports of the sidecar', async () => {
  const ports = [{ name: 'dubbo', protocol: 'tcp', port: 20_882 }] as const;
  const labels = { 'dubbo.endpoints': '[{"port":20880,"protocol":"dubbo"}]', 'dubbo.metadata.revision': 'r1' };
  await writer().write(orders, [entry('a', { ports, labels })]);
  expect(sent[0]?.body.instances[0].metadata).toEqual({
    'dubbo.endpoints': '[{"port":20882,"protocol":"dubbo"}]',
    'dubbo.metadata.revision': 'r1',
    protocol: 'dubbo',
  });
});

for (const { name, service, given, fields, want } of [
  { name: 'of the template', service: orders, want: null },
  { name: 'of Dubbo', service: greet, want: null },
  { name: 'of another namespace', service: { ...orders, namespace: 'shop' }, want: /no namespace of Nacos/ },
  { name: 'of no template', service: { ...orders, hostname: hostname('orders.example') }, want: /no service of Nacos/ },
  {
    name: 'whose namespace is mapped',
    service: { namespace: 'shop', hostname: hostname('orders.default-group.a.nacos') },
    given: { namespaces: ['a', 'b'], meshNamespaces: { a: 'shop' } },
    want: null,
  },
  {
    name: 'that belongs to another namespace of the mesh',
    service: { namespace: 'b', hostname: hostname('orders.default-group.a.nacos') },
    given: { namespaces: ['a', 'b'], meshNamespaces: { a: 'shop' } },
    want: /belongs to the namespace shop/,
  },
  {
    name: 'of Dubbo in one of several namespaces',
    service: { ...greet, namespace: 'shop' },
    given: { namespaces: ['a', 'b'], meshNamespaces: { a: 'shop', b: 'shop' } },
    want: /a, b of Nacos all belong to shop/,
  },
  {
    name: 'with a name of its own',
    service: { ...greet, hostname: hostname('greet.example') },
    given: { dubbo: { names: { 'g1/demo.GreetService:1.0.0': 'greet.example' } } },
    want: null,
  },
  {
    name: 'with a port of an unknown protocol',
    service: orders,
    fields: { ports: [{ name: 'x', protocol: 'udp', port: 53 }] } as const,
    want: /the port 'x' has no protocol/,
  },
]) {
  test(`a service ${name} is ${want === null ? 'possible' : 'impossible'}`, () => {
    const refusal = writer(given).refusalOf(service, entry('a', fields));
    if (want === null) expect(refusal).toBeNull();
    else expect(refusal).toMatch(want);
  });
}

test('an instance that the server refuses keeps no others out, and those that are there stay', async () => {
  const nacos = writer();
  await nacos.write(orders, [entry('a'), entry('b')]);
  const isBad = ({ metadata }: { metadata: { bad?: string } }) => metadata.bad !== undefined;
  refuse = ({ instances = [] }) => (instances.some(isBad) ? new NacosError(400, "Param 'Metadata' is illegal") : null);
  const bad = { labels: { bad: 'yes' } };
  const refused = await nacos.write(orders, [entry('a'), entry('b'), entry('c', bad), entry('d'), entry('e', bad)]);
  expect([...refused.keys()]).toEqual(['c', 'e']);
  expect(refused.get('c')).toBe("Param 'Metadata' is illegal");
  const last = sent.at(-1);
  expect(last === undefined ? '' : addresses(last)).toBe('10.0.0.1 10.0.0.2 10.0.0.4');
  for (const one of sent.slice(1).map(addresses)) expect(one).toContain('10.0.0.1 10.0.0.2');
  expect(accepted.at(-1)).toBe('10.0.0.1 10.0.0.2 10.0.0.4');
});

for (const { name, error, isFinal } of [
  { name: 'a persistent service', error: new NacosError(400, 'is persistent service'), isFinal: true },
  { name: 'no permission', error: new NacosError(403, 'forbidden'), isFinal: true },
  { name: 'a server that is starting', error: new NacosError(500, 'server is STARTING'), isFinal: false },
  {
    name: 'a connection that is not registered',
    error: new NacosError(301, 'Connection is unregistered.'),
    isFinal: false,
  },
]) {
  test(`${name} is ${isFinal ? 'a refusal' : 'worth a repetition'}`, async () => {
    refuse = () => error;
    const written = writer().write(orders, [entry('a')]);
    if (isFinal) expect(await written).toEqual(new Map([['a', error.message]]));
    else await expect(written).rejects.toBe(error);
  });
}

test('instances of equal address and port are sent once', async () => {
  await writer().write(orders, [entry('a', { address: '10.0.0.1' }), entry('b', { address: '10.0.0.1' })]);
  expect(sent.map(addresses)).toEqual(['10.0.0.1']);
});
