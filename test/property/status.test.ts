import { fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VirtualHostSchema } from '#gen/envoy/config/route/v3/route_components_pb.js';
import { RouteConfigurationSchema } from '#gen/envoy/config/route/v3/route_pb.js';
import { contentHash } from '../../src/lib/hash.ts';
import { resourceBody, type XdsType } from '../../src/proto/resource.ts';
import { ruleId } from '../../src/rules/rule.ts';
import type { RuleStatus } from '../../src/rules/status.ts';
import type { StoredObject } from '../../src/rules/store.ts';
import { endpoint } from '../support/model.ts';
import { runs } from '../support/property-runs.ts';
import { type MeshProxy, StatusMesh } from '../support/status-mesh.ts';

const hosts = ['a', 'b'] as const;
const types = ['cluster', 'endpoint', 'listener', 'route'] as const;

type Step =
  | { readonly type: 'route' | 'policy'; readonly name: string; readonly host: string; readonly value: number }
  | { readonly type: 'entry' | 'sidecar' | 'mesh'; readonly value: number }
  | { readonly type: 'service'; readonly port: number }
  | { readonly type: 'remove'; readonly kind: string; readonly name: string }
  | { readonly type: 'connect' | 'disconnect' | 'settle'; readonly proxy: number }
  | {
      readonly type: 'answer';
      readonly proxy: number;
      readonly of: XdsType;
      readonly error: 'named' | 'unnamed' | null;
    }
  | { readonly type: 'flush' | 'tick' };

const proxy = fc.nat(2);
const value = fc.integer({ min: 1, max: 3 });
const rule = { name: fc.constantFrom('x', 'y'), host: fc.constantFrom(...hosts), value };
const arbitraryStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('route' as const), ...rule }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('policy' as const), ...rule }) },
  fc.record({ type: fc.constantFrom('entry' as const, 'sidecar' as const, 'mesh' as const), value }),
  fc.record({ type: fc.constant('service' as const), port: fc.constantFrom(80, 90) }),
  fc.record({
    type: fc.constant('remove' as const),
    kind: fc.constantFrom('VirtualService', 'DestinationRule', 'Sidecar', 'ServiceEntry'),
    name: fc.constantFrom('x', 'y'),
  }),
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('connect' as const, 'disconnect' as const), proxy }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('settle' as const), proxy }) },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('answer' as const),
      proxy,
      of: fc.constantFrom(...types),
      error: fc.constantFrom(null, 'named' as const, 'unnamed' as const),
    }),
  },
  { weight: 6, arbitrary: fc.constant({ type: 'flush' as const }) },
  { weight: 2, arbitrary: fc.constant({ type: 'tick' as const }) },
);

describe('the status of rules', () => {
  test('equals a full recomputation, never overstates the proxies, and is exact once they have answered', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(arbitraryStep, { minLength: 10, maxLength: 60 }), async (steps) => {
        const world = new World();
        for (const step of steps) {
          await world.take(step);
          await flushUnderWay();
          for (const object of world.mesh.objects()) expectSound(world, object);
        }
        await world.take({ type: 'flush' });
        for (const it of world.proxies.values()) it.settle();
        for (const object of world.mesh.objects()) {
          const { pending, acknowledged } = world.mesh.keeper.of(object).proxies;
          const { concerned, having } = whatProxiesHave(world, object);
          // A rule that changed with the one to be corrected waits where the part that both are in is rejected.
          if (![...world.proxies.values()].some(rejectsParts))
            expect({ id: ruleId(object), pending }).toEqual({ id: ruleId(object), pending: 0 });
          if (isCompared(object))
            expect([ruleId(object), acknowledged, concerned]).toEqual([ruleId(object), having, concerned]);
        }
      }),
      { numRuns: runs(150) },
    );
  });

  test('is reported to listeners when it changes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(arbitraryStep, { minLength: 5, maxLength: 40 }), fc.nat(20), async (steps, from) => {
        const world = new World();
        const shown = new Map<string, RuleStatus>();
        const show = () => {
          for (const object of world.mesh.objects()) {
            if (!shown.has(ruleId(object))) shown.set(ruleId(object), world.mesh.keeper.of(object));
          }
        };
        for (const [index, step] of steps.entries()) {
          if (index === Math.min(from, steps.length - 1)) {
            world.mesh.keeper.subscribe((ids) => {
              for (const object of world.mesh.objects())
                if (ids.includes(ruleId(object))) shown.set(ruleId(object), world.mesh.keeper.of(object));
            });
            show();
          }
          await world.take(step);
          if (step.type === 'remove') shown.delete(`${step.kind}/default/${step.name}`);
        }
        await world.take({ type: 'flush' });
        show();
        await world.mesh.pass(1_000);
        await world.mesh.pass(1_000);
        for (const object of world.mesh.objects()) {
          expect([ruleId(object), shown.get(ruleId(object))]).toEqual([ruleId(object), world.mesh.keeper.of(object)]);
        }
        expect(world.mesh.errors).toEqual([]);
      }),
      { numRuns: runs(150) },
    );
  });
});

/** A new proxy begins a flush, which is shown a moment later. Between the two, problems are newer than statuses. */
const flushUnderWay = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

class World {
  readonly mesh = new StatusMesh();
  readonly proxies = new Map<number, MeshProxy>();

  constructor() {
    for (const host of hosts) this.mesh.service(host, [endpoint('10.0.0.1')]);
  }

  async take(step: Step): Promise<void> {
    const { mesh, proxies } = this;
    switch (step.type) {
      case 'route': {
        const http = [{ timeout: `${step.value}s`, route: [{ destination: { host: 'b' } }] }];
        mesh.put('VirtualService', `default/${step.name}`, { hosts: [step.host], http });
        return;
      }
      case 'policy': {
        const trafficPolicy = { connectionPool: { tcp: { maxConnections: step.value } } };
        mesh.put('DestinationRule', `default/${step.name}`, { host: step.host, trafficPolicy });
        return;
      }
      case 'entry': {
        const ports = [{ name: 'http', number: 80, protocol: 'HTTP' }];
        const endpoints = [{ address: `10.3.0.${step.value}` }];
        mesh.put('ServiceEntry', 'default/x', { hosts: ['e.example.com'], ports, endpoints, resolution: 'STATIC' });
        return;
      }
      case 'sidecar':
        mesh.put('Sidecar', 'default/x', {
          egress: [
            { hosts: step.value === 1 ? ['*/*'] : [`./${step.value === 2 ? 'a' : 'b'}.default.svc.cluster.local`] },
          ],
        });
        return;
      case 'mesh':
        mesh.put('MeshConfig', 'default', { connectTimeout: `${step.value}s` });
        return;
      case 'service':
        mesh.service('a', [endpoint('10.0.0.1')], { ports: [{ name: 'http', number: step.port, protocol: 'http' }] });
        return;
      case 'remove':
        mesh.remove(step.kind, `default/${step.name}`);
        return;
      case 'connect':
        proxies.get(step.proxy)?.disconnect();
        proxies.set(step.proxy, mesh.connect(`p${step.proxy}`, { mode: step.proxy === 0 ? 'sotw' : 'delta' }));
        return;
      case 'disconnect':
        proxies.get(step.proxy)?.disconnect();
        proxies.delete(step.proxy);
        return;
      case 'settle':
        proxies.get(step.proxy)?.settle();
        return;
      case 'answer': {
        const it = proxies.get(step.proxy);
        const first = it?.unanswered(step.of)[0] ?? '';
        it?.answer(step.of, ...(step.error === null ? [] : [step.error === 'named' ? `${first}: no` : 'no']));
        return;
      }
      case 'flush':
        return mesh.flush();
      default:
        return mesh.pass(1_000);
    }
  }
}

const rejectsParts = ({ client }: MeshProxy): boolean =>
  client.stream.types.values().some(({ filters }) => filters !== null);

/** Never Programmed for what is not at proxies; and the same, whether anything was kept from before or not. */
function expectSound(world: World, object: StoredObject): void {
  const status = world.mesh.keeper.of(object);
  expect([ruleId(object), status]).toEqual([ruleId(object), world.mesh.forgetful.of(object)]);
  const { concerned, acknowledged, pending, rejected } = status.proxies;
  expect(acknowledged + pending + rejected).toBe(concerned);
  if (!isCompared(object) || status.conditions[1]?.message === 'it waits to be compiled') return;
  const actual = whatProxiesHave(world, object);
  expect([ruleId(object), concerned]).toEqual([ruleId(object), actual.concerned]);
  expect([ruleId(object), acknowledged, actual.having]).toEqual([
    ruleId(object),
    Math.min(acknowledged, actual.having),
    actual.having,
  ]);
}

/** The kinds whose content can be seen in resources. */
const isCompared = ({ kind }: StoredObject): boolean => kind === 'VirtualService' || kind === 'DestinationRule';

/** Found the slow way: every resource of every proxy's tables that the compiler traces to the rule, compared by content. */
function whatProxiesHave({ mesh, proxies }: World, object: StoredObject): { concerned: number; having: number } {
  let concerned = 0;
  let having = 0;
  for (const { client, has } of proxies.values()) {
    const wanted: boolean[] = [];
    for (const type of ['cluster', 'listener', 'route'] as const) {
      const interest = client.stream.types.get(type)?.interest ?? null;
      for (const layer of client.layers) {
        for (const [name, { resource }] of layer.tables[type].entries) {
          if (interest?.includes(name) !== true) continue;
          const parts = [...mesh.compiler.partsOf(layer.key, type, name)];
          if (!parts.some(({ origins }) => origins.includes(ruleId(object)))) continue;
          wanted.push(
            contentOf(type, resourceBody(type, resource), object) === contentOf(type, has[type].get(name), object),
          );
        }
      }
    }
    if (wanted.length > 0) concerned++;
    if (wanted.length > 0 && wanted.every(Boolean)) having++;
  }
  return { concerned, having };
}

/** Of a route configuration the virtual hosts of the rule's host only. */
function contentOf(type: XdsType, body: Uint8Array | undefined, { spec }: StoredObject): string {
  if (body === undefined) return '';
  if (type !== 'route') return contentHash(body);
  const [host = ''] = (spec as { hosts: string[] }).hosts; // as `take` writes it
  const { virtualHosts } = fromBinary(RouteConfigurationSchema, body);
  const own = virtualHosts.filter(({ name }) => name.startsWith(`${host}.`));
  return own.map((virtualHost) => contentHash(toBinary(VirtualHostSchema, virtualHost))).join();
}
