import { describe, expect, test } from 'vitest';
import { type NacosInstance, readNacosInstance } from '../../../../adapters/nacos/messages.ts';
import { type TranslateOptions, translateListed } from '../../../../adapters/nacos/translate.ts';

const options: TranslateOptions = {
  keys: {
    protocol: 'protocol',
    version: 'version',
    region: 'region',
    zone: 'zone',
    subzone: 'subzone',
    sidecarPort: 'sidecarPort',
  },
  ports: {},
  defaultProtocol: 'http',
  clusters: null,
  place: 'public/G/orders',
  addressesOf: () => [],
};
function instance(given: object = {}): NacosInstance {
  const read = readNacosInstance({ ip: '10.0.0.1', port: 8080, ...given });
  if (!read.ok) throw new Error(read.error);
  return read.value;
}

const endpointsOf = (instances: readonly NacosInstance[], changed: Partial<TranslateOptions> = {}) =>
  translateListed(instances, { ...options, ...changed }).endpoints;

describe('an instance of Nacos', () => {
  test('becomes an endpoint with its metadata as labels', () => {
    const [endpoint] = endpointsOf([
      instance({ clusterName: 'HZ', metadata: { version: 'v1', region: 'cn', zone: 'hz', team: 'a' } }),
    ]);
    expect(endpoint).toMatchObject({
      address: '10.0.0.1',
      ports: { http: 8080 },
      labels: { version: 'v1', region: 'cn', zone: 'hz', team: 'a', 'nacos.cluster': 'HZ' },
      locality: 'cn/hz',
      weight: 1,
      health: 'healthy',
    });
  });

  test('of weight 0 is listed and gets no traffic', () => {
    expect(endpointsOf([instance({ weight: 0 }), instance({ ip: '10.0.0.2' })]).map(({ health }) => health)).toEqual([
      'unhealthy',
      'healthy',
    ]);
  });

  test('gets traffic by its weight, fractions included', () => {
    const weights = endpointsOf([instance({ weight: 0.3 }), instance({ ip: '10.0.0.2', weight: 1 })]);
    expect(weights.map(({ weight }) => weight)).toEqual([3, 10]);
  });

  test('that is not healthy is listed as such, and one that is disabled is not listed', () => {
    const endpoints = endpointsOf([instance({ healthy: false }), instance({ ip: '10.0.0.2', enabled: false })]);
    expect(endpoints.map(({ address, health }) => [address, health])).toEqual([['10.0.0.1', 'unhealthy']]);
  });

  test('without metadata has no labels but its cluster', () => {
    expect(endpointsOf([instance({ metadata: null })])[0]?.labels).toEqual({ 'nacos.cluster': 'DEFAULT' });
  });

  test('of port 0 is skipped without a fault: consumers register so', () => {
    expect(translateListed([instance({ port: 0 })], options)).toEqual({
      ports: [],
      endpoints: [],
      dubbo: null,
      faults: [],
    });
  });

  test('of a cluster that is not read is skipped', () => {
    expect(endpointsOf([instance({ clusterName: 'HZ' })], { clusters: new Set(['SH']) })).toEqual([]);
  });

  test('is called at the port of its sidecar, if its metadata names one', () => {
    const endpoints = endpointsOf([instance({ metadata: { sidecarPort: '20882' } }), instance({ ip: '10.0.0.2' })]);
    expect(endpoints.map(({ ports }) => ports)).toEqual([{ http: 20_882 }, { http: 8080 }]);
  });

  test('has an origin: the service, its id, and its own port if its sidecar is called', () => {
    const endpoints = endpointsOf([instance({ metadata: { sidecarPort: '20882' } }), instance({ ip: '10.0.0.2' })]);
    expect(endpoints.map(({ origin }) => origin)).toEqual([
      { place: 'public/G/orders', instance: '10.0.0.1#8080#DEFAULT', ownPort: 8080 },
      { place: 'public/G/orders', instance: '10.0.0.2#8080#DEFAULT' },
    ]);
  });

  test('by a host name has the addresses of that name, and the others stay', () => {
    const addressesOf = (host: string) => (host === 'db.example' ? ['10.0.0.8', '10.0.0.9'] : []);
    const endpoints = endpointsOf([instance(), instance({ ip: 'db.example' })], { addressesOf });
    expect(endpoints.map(({ address }) => address)).toEqual(['10.0.0.1', '10.0.0.8', '10.0.0.9']);
  });

  test('of an unknown protocol is left out and named, and the others are served', () => {
    const { endpoints, faults } = translateListed(
      [instance({ metadata: { protocol: 'carrier-pigeon' } }), instance({ ip: '10.0.0.2' })],
      options,
    );
    expect(endpoints.map(({ address }) => address)).toEqual(['10.0.0.2']);
    expect(faults).toEqual([expect.stringContaining("10.0.0.1:8080 has the unknown protocol 'carrier-pigeon'")]);
  });
});

test('instances have a port for each protocol, and none of their own numbers', () => {
  const instances = ['http', 'GRPC', 'http'].map((protocol, index) =>
    instance({ ip: `10.0.0.${index}`, port: 7_000 + index, metadata: { protocol } }),
  );
  expect(translateListed(instances, options).ports).toEqual([
    { name: 'grpc', number: 50_052, protocol: 'grpc' },
    { name: 'http', number: 80, protocol: 'http' },
  ]);
});

describe('an entry of a list that is no instance', () => {
  for (const { name, given, fault } of [
    { name: 'a port out of range', given: { ip: '10.0.0.1', port: 70_000 }, fault: 'port' },
    { name: 'no address', given: { ip: '', port: 1 }, fault: 'ip' },
    { name: 'a weight below zero', given: { ip: '10.0.0.1', port: 1, weight: -1 }, fault: 'weight' },
    { name: 'metadata that is no map', given: { ip: '10.0.0.1', port: 1, metadata: 'x' }, fault: 'metadata' },
    {
      name: 'a megabyte of metadata',
      given: { ip: '10.0.0.1', port: 1, metadata: { a: 'x'.repeat(1_048_576) } },
      fault: 'metadata',
    },
    { name: 'another type', given: 'x', fault: '' },
  ]) {
    test(`has a fault with its field: ${name}`, () => {
      expect(readNacosInstance(given)).toMatchObject({ ok: false, error: expect.stringMatching(`^${fault}`) });
    });
  }
});
