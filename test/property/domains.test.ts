import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hostname } from '../../src/model/names.ts';
import type { Proxy } from '../../src/model/proxy.ts';
import type { Service } from '../../src/model/service.ts';
import { resourceToJson } from '../../src/proto/json.ts';
import type { Rule } from '../../src/rules/rule.ts';
import { runs } from '../support/property-runs.ts';
import { type CompiledWorld, compiledWorld, proxy, rule, service } from '../support/world.ts';

/** Ways to write few hosts, also ones that are refused when a rule is written: an older release may have stored them. */
const ruleHosts = [
  ...['foo.example', 'FOO.example', 'foo.example:80', 'foo.example:80:80', 'foo.example:90'],
  ...['*.foo.example', '*.FOO.example', '*.foo.example:80', '*', 'reviews', 'reviews.default.svc.cluster.local:80'],
  ...['::1', '[::1]', '[0:0::1]', '[::1]:80', '[::1]:90', '10.0.0.1', '10.0.0.1:80'],
];

const arbitraryRule: fc.Arbitrary<Rule> = fc
  .record({
    name: fc.constantFrom('a', 'b', 'c'),
    hosts: fc.uniqueArray(fc.constantFrom(...ruleHosts), { minLength: 1, maxLength: 3 }),
    age: fc.nat(2),
  })
  .map(({ name, hosts, age }) => {
    const valid = rule('VirtualService', name, { hosts: ['a'], http: [{ redirect: { uri: '/' } }] }, age);
    return { ...valid, spec: { ...(valid.spec as object), hosts } }; // an object, as its schema says
  });

const arbitraryService: fc.Arbitrary<Service> = fc
  .record({
    host: fc.constantFrom('foo.example', '*.foo.example', 'reviews', 'a.foo.example'),
    aliases: fc.subarray(['foo.example', 'reviews.default.svc.cluster.local', 'b.foo.example']),
    vips: fc.subarray(['10.0.0.1', '::1', '0:0::1', 'FD00::1', 'fd00::1']),
    ports: fc.subarray([80, 90], { minLength: 1 }),
    headless: fc.boolean(),
  })
  .map(({ host, aliases, ports, ...fields }) =>
    service(host, {
      ...fields,
      aliases: aliases.map(hostname),
      ports: ports.map((number) => ({ name: `http-${number}`, number, protocol: 'http' })),
    }),
  );

const domainsOf = (world: CompiledWorld, of: Proxy): readonly (readonly string[])[] =>
  [...world.table('route', of).values()].sort(byName).map((resource) => {
    const { virtualHosts } = resourceToJson('route', resource) as { virtualHosts: { domains: string[] }[] }; // its schema
    return virtualHosts.flatMap(({ domains }) => domains.map((domain) => domain.toLowerCase()));
  });

const byName = (a: { readonly name: string }, b: { readonly name: string }) => (a.name < b.name ? -1 : 1);

const captured = proxy();
const called = proxy({ namespace: 'other', dnsDomain: 'example', interception: 'none' });

test('a route configuration has no duplicate domain, in any notation of hosts', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(arbitraryRule, arbitraryService), { minLength: 2, maxLength: 12 }), (objects) => {
      const world = compiledWorld();
      for (const of of [captured, called]) world.layers(of);
      for (const object of objects) world.apply(object);
      const fresh = compiledWorld();
      fresh.apply(...objects);
      for (const of of [captured, called]) {
        for (const domains of domainsOf(world, of)) expect(domains).toEqual([...new Set(domains)]);
        expect(domainsOf(world, of)).toEqual(domainsOf(fresh, of));
      }
    }),
    { numRuns: runs(150) },
  );
});
