import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { RouteConfigurationSchema } from '#gen/envoy/config/route/v3/route_pb.js';
import { type EncodedResource, encodeResource, resourceBody } from '../../../src/proto/resource.ts';
import { partitionOf, rebuild } from '../../../src/xds/isolation/partition.ts';
import { resource } from '../../support/conversation.ts';

/** A route configuration with these virtual hosts, each with its domains, and a field after them. */
function routes(hosts: Readonly<Record<string, readonly string[]>>): EncodedResource {
  const virtualHosts = Object.entries(hosts).map(([name, domains]) => ({ name, domains: [...domains] }));
  const message = create(RouteConfigurationSchema, { name: '80', virtualHosts, ignorePortInHostMatching: true });
  return encodeResource('route', '80', toBinary(RouteConfigurationSchema, message));
}

const read = (encoded: EncodedResource | null) =>
  encoded === null ? null : fromBinary(RouteConfigurationSchema, resourceBody('route', encoded));

describe('parts of a resource', () => {
  it('are the virtual hosts of a route configuration, with their domains', () => {
    const { parts } = partitionOf('route', routes({ a: ['a.test', 'a.test:80'], b: ['b.test'] }));
    expect([...parts.values()].map(({ name, domains }) => [name, domains])).toEqual([
      ['a', ['a.test', 'a.test:80']],
      ['b', ['b.test']],
    ]);
  });

  it('are the whole resource for every other type', () => {
    const cluster = resource('cluster', 'a', '1');
    expect([...partitionOf('cluster', cluster).parts.keys()]).toEqual(['']);
    expect([...partitionOf('route', resource('route', '80', 'none')).parts.keys()]).toEqual(['']);
  });

  it('are reassembled with one in another version, in order and with all other fields', () => {
    const [before, after] = [routes({ a: ['a.test'], b: ['old.test'] }), routes({ a: ['a.test'], b: ['new.test'] })];
    const old = partitionOf('route', before).parts.get('b') ?? null;
    const rebuilt = rebuild('route', after, (part) => (part.name === 'b' ? old : part));
    expect(read(rebuilt)).toEqual(read(before));
    expect(rebuilt?.version).not.toBe(after.version);
  });

  it('are the resource itself when nothing is replaced', () => {
    const whole = routes({ a: ['a.test'] });
    expect(rebuild('route', whole, (part) => part)).toBe(whole);
  });

  it('omit an old version whose domain another virtual host has now', () => {
    const old = partitionOf('route', routes({ b: ['shared.test'] })).parts.get('b') ?? null;
    const now = routes({ a: ['shared.test'], b: ['b.test'] });
    const rebuilt = rebuild('route', now, (part) => (part.name === 'b' ? old : part));
    expect(read(rebuilt)?.virtualHosts.map(({ name }) => name)).toEqual(['a']);
  });

  it('are empty when the only one is omitted, and shared by all clients that omit the same', () => {
    const cluster = resource('cluster', 'a', '1');
    expect(rebuild('cluster', cluster, () => null)).toBeNull();
    const whole = routes({ a: ['a.test'], b: ['b.test'] });
    const withoutB = () => rebuild('route', whole, (part) => (part.name === 'b' ? null : part));
    expect(withoutB()).toBe(withoutB());
  });
});
