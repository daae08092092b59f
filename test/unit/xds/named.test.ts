import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { VirtualHostSchema } from '#gen/envoy/config/route/v3/route_components_pb.js';
import { DeltaDiscoveryResponseSchema } from '#gen/envoy/service/discovery/v3/discovery_pb.js';
import { encodeRouteConfigurationHead } from '../../../src/proto/json.ts';
import { encodeResource } from '../../../src/proto/resource.ts';
import { stringField } from '../../../src/proto/wire.ts';
import { NamedStream } from '../../../src/xds/named/named-stream.ts';
import { findVirtualHost } from '../../../src/xds/named/virtual-hosts.ts';
import { Server } from '../../support/conversation.ts';

const routes = (...virtualHosts: { name: string; domains: string[] }[]) =>
  encodeResource('route', '80', encodeRouteConfigurationHead({ name: '80', virtualHosts }));

describe('the virtual host of a host', () => {
  const all = routes(
    { name: 'exact', domains: ['shop.test', 'shop.test:80'] },
    { name: 'long', domains: ['*.eu.shop.test'] },
    { name: 'short', domains: ['*.shop.test'] },
    { name: 'prefix', domains: ['shop.*'] },
    { name: 'rest', domains: ['*'] },
  );
  for (const { host, name, domains } of [
    { host: 'shop.test', name: '80/#exact', domains: ['shop.test', 'shop.test:80'] },
    { host: 'SHOP.test', name: '80/#exact', domains: ['shop.test', 'shop.test:80'] },
    { host: 'shop.test:80', name: '80/#exact', domains: ['shop.test', 'shop.test:80'] },
    { host: 'shop.test:8080', name: '80/#exact', domains: ['shop.test', 'shop.test:80'] },
    { host: 'a.eu.shop.test', name: '80/#long', domains: ['*.eu.shop.test'] },
    { host: 'a.us.shop.test', name: '80/#short', domains: ['*.shop.test'] },
    { host: '.shop.test', name: '80/#rest#.shop.test', domains: ['.shop.test'] },
    { host: 'shop.org', name: '80/#prefix', domains: ['shop.*'] },
    { host: 'Elsewhere', name: '80/#rest#elsewhere', domains: ['elsewhere'] },
  ]) {
    it(`${host} is ${name}`, () => {
      const found = findVirtualHost(all, host);
      expect(found?.name).toBe(name);
      expect(fromBinary(VirtualHostSchema, found?.body ?? new Uint8Array())).toMatchObject({ name, domains });
    });
  }

  it('is none if none matches', () => {
    expect(findVirtualHost(routes({ name: 'exact', domains: ['shop.test'] }), 'other.test')).toBeNull();
  });
});

/** A stream over one route configuration, `80`. */
function started() {
  const server = new Server();
  server.context.revision = 1;
  server.view.route[0]?.commit(1, [routes({ name: 'shop', domains: ['shop.test'] })], []);
  const stream = server.connect('delta');
  const named = new NamedStream(stream, server.context);
  const asks = (names: readonly string[], has: readonly string[] = [], nonce = '') =>
    named.receive('virtual-host', {
      ...{ typeUrl: '', type: null, node: null, nonce, error: null, unsubscribe: [] },
      subscribe: Buffer.concat(names.map((name) => stringField(3, name))),
      initialVersions: new Map(has.map((name) => [name, 'some'])),
    });
  const hears = () => {
    const { resources, removedResources } = fromBinary(
      DeltaDiscoveryResponseSchema,
      Buffer.concat(named.next()?.parts ?? []),
    );
    return { said: resources.map(({ name }) => name), removed: removedResources };
  };
  return { named, asks, hears };
}

describe('a client that reconnects', () => {
  it('gets its subscriptions, and removals of its earlier resources', () => {
    const { asks, hears } = started();
    asks(['80/shop.test'], ['80/#shop', '80/#old']);
    expect(hears()).toEqual({ said: ['80/#shop'], removed: ['80/#old'] });
  });
});

describe('a client that subscribes to ever more names', () => {
  it('is answered, and gets no updates for the oldest names', () => {
    const { named, asks, hears } = started();
    const names = Array.from({ length: 10_000 }, (_, index) => `80/host-${index}`);
    asks(names);
    expect(hears().said).toHaveLength(10_000);
    asks(['80/one-more'], [], named.states.get('virtual-host')?.inFlight ?? '');
    expect(hears().said).toEqual(['80/one-more']);
    expect(named.states.get('virtual-host')?.names.size).toBe(10_000);
  });

  it('keeps its resources of the oldest names', () => {
    const { named, asks, hears } = started();
    asks(['80/shop.test']);
    expect(hears().said).toEqual(['80/#shop']);
    const names = Array.from({ length: 10_000 }, (_, index) => `80/host-${index}`);
    asks(names, [], named.states.get('virtual-host')?.inFlight ?? '');
    expect(hears().removed).toEqual([]);
  });
});
