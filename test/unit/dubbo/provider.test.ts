import { describe, expect, it } from 'vitest';
import { parseHostnameTemplate } from '../../../src/dubbo/hostname-template.ts';
import { identityKey, type Naming, nameService } from '../../../src/dubbo/identity.ts';
import { servicePort } from '../../../src/dubbo/protocols.ts';
import { providerEndpoint, readProvider } from '../../../src/dubbo/provider.ts';
import { parseServiceUrl } from '../../../src/dubbo/url.ts';

const read = (text: string) => {
  const url = parseServiceUrl(text);
  if (!url.ok) throw new Error(url.error);
  return readProvider(url.value);
};
const endpointOf = (query: string) => {
  const provider = read(`dubbo://10.0.0.1:20880/demo.GreetService?${query}`);
  if (!provider.ok) throw new Error(provider.error);
  return providerEndpoint(provider.value);
};

describe('providers', () => {
  it('have identity, address and parameters of a real URL', () => {
    const provider = read(
      'dubbo://10.9.8.7:23880/demo.GreetService?anyhost=true&application=demo27&group=g1&interface=demo.GreetService&methods=add,hello&pid=1296&revision=1.0.0&service.name=ServiceBean:g1/demo.GreetService:1.0.0&side=provider&timeout=1500&timestamp=1795254373366&version=1.0.0&weight=200',
    );
    if (!provider.ok) throw new Error(provider.error);
    expect(provider.value).toMatchObject({
      identity: { interface: 'demo.GreetService', group: 'g1', version: '1.0.0' },
      protocols: ['dubbo'],
      address: '10.9.8.7',
      port: 23880,
    });
    expect(providerEndpoint(provider.value)).toEqual({
      address: '10.9.8.7',
      ports: { dubbo: 23880 },
      labels: { application: 'demo27', group: 'g1', version: '1.0.0' },
      weight: 200,
      locality: '',
      network: '',
      cluster: '',
      health: 'healthy',
      workload: null,
    });
  });

  for (const { query, want } of [
    { query: '', want: { weight: 100, health: 'healthy' } },
    { query: 'weight=0', want: { weight: 1, health: 'unhealthy' } },
    { query: 'weight=-5', want: { health: 'unhealthy' } },
    { query: 'weight=much', want: { weight: 100, health: 'healthy' } },
    { query: 'weight=99999999999', want: { weight: 100_000 } },
    { query: 'disabled=true', want: { health: 'unhealthy' } },
    { query: 'enabled=false', want: { health: 'unhealthy' } },
    { query: 'region=eu&zone=eu-1', want: { locality: 'eu/eu-1' } },
    { query: 'zone=eu-1', want: { locality: '/eu-1' } },
    { query: 'mesh.binnacle.dev%2Fsidecar-port=20882', want: { ports: { dubbo: 20882 }, labels: {} } },
    { query: 'ext.protocol=tri,', want: { ports: { dubbo: 20880, tri: 20880 } } },
    { query: 'dubbo.tag=gray&timestamp=1&pid=7&warmup=600', want: { labels: { 'dubbo.tag': 'gray' } } },
  ]) {
    it(`with '${query}' become endpoints`, () => {
      expect(endpointOf(query)).toMatchObject(want);
    });
  }

  for (const { url, error } of [
    { url: 'morse://10.0.0.1:1/a.B', error: "its protocol 'morse' is unknown" },
    { url: 'constructor://10.0.0.1:1/a.B', error: "its protocol 'constructor' is unknown" },
    { url: 'dubbo://10.0.0.1/a.B', error: 'it has no port' },
    { url: 'dubbo://10.0.0.1:0/a.B', error: 'it has no port' },
    { url: 'dubbo://:20880/a.B', error: 'it has no address' },
    { url: 'dubbo://10.0.0.1:1/', error: 'it has no interface' },
    {
      url: 'dubbo://10.0.0.1:1/a?mesh.binnacle.dev/sidecar-port=70000',
      error: "its sidecar's port '70000' is not a port",
    },
  ]) {
    it(`are refused: ${url}`, () => {
      expect(read(url)).toEqual({ ok: false, error });
    });
  }

  it('call one interface by three protocols at three ports', () => {
    expect(['dubbo', 'tri', 'rest'].map((name) => servicePort(name))).toEqual([
      { name: 'dubbo', number: 20_880, protocol: 'tcp' },
      { name: 'tri', number: 50_051, protocol: 'grpc' },
      { name: 'rest', number: 8_080, protocol: 'http' },
    ]);
    expect(servicePort('rest', { rest: 80 })).toMatchObject({ number: 80 });
    expect(servicePort('morse')).toBeNull();
  });
});

describe('nameService', () => {
  const template = parseHostnameTemplate('{interface}.{group}.{version}.dubbo', ['interface', 'group', 'version']);
  if (!template.ok) throw new Error(template.error);
  const naming: Naming = { template: template.value, names: { 'g1/demo.Greet:1.0': 'greet.shop.example' } };

  it('prefers the configured name, and keeps that of the template as an alias', () => {
    expect(nameService({ interface: 'demo.Greet', group: 'g1', version: '1.0' }, naming)).toEqual({
      ok: true,
      value: { hostname: 'greet.shop.example', aliases: ['demo._greet.g-g1.v-1.0.dubbo'] },
    });
    expect(nameService({ interface: 'demo.Greet', group: '', version: '1.0' }, naming)).toEqual({
      ok: true,
      value: { hostname: 'demo._greet.v-1.0.dubbo', aliases: [] },
    });
  });

  it('never crosses versions and groups of one interface', () => {
    const identities = [
      { interface: 'a.B', group: '', version: '' },
      { interface: 'a.B', group: 'A', version: '' },
      { interface: 'a.B', group: '', version: 'A' },
      { interface: 'a.B', group: 'a', version: '' },
    ];
    const names = identities.map((identity) => nameService(identity, naming));
    expect(new Set(names.map((name) => JSON.stringify(name))).size).toBe(4);
    expect(identities.map(identityKey)).toEqual(['a.B', 'A/a.B', 'a.B:A', 'a/a.B']);
  });
});
