import { create, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DiscoveryRequestSchema } from '#gen/envoy/service/discovery/v3/discovery_pb.js';
import { silentLogger } from '../../src/lib/logger.ts';
import { createFetch, type Fetch, fetchedMessage } from '../../src/push/discovery/fetch.ts';
import { discoveryServices } from '../../src/push/discovery/services.ts';
import type { Response } from '../../src/xds/wire/response.ts';
import { type Contents, hear, lineOf } from '../support/conversation.ts';
import { FakePush } from '../support/fake-push.ts';
import { type MeshType, meshTypes } from '../support/mesh-types.ts';

const layers = ['scope', 'own'] as const;
const type = fc.constantFrom(...meshTypes);
const name = fc.constantFrom('a', 'b', 'c');

const put = fc.record({
  do: fc.constant('put' as const),
  layer: fc.constantFrom(...layers),
  type,
  contents: fc.dictionary(name, fc.constantFrom('1', '2', null), { maxKeys: 3 }),
});
/** The proxy is served other layers from the next flush on. */
const move = fc.record({ do: fc.constant('move' as const), layers: fc.subarray([...layers], { minLength: 1 }) });
const ask = fc.record({
  do: fc.constant('ask' as const),
  type,
  names: fc.uniqueArray(fc.constantFrom('*', 'scope-a', 'scope-b', 'own-a', 'own-c', 'nope'), { maxLength: 4 }),
});

it('a fetch returns the first response of a new stream, with a version that depends only on its content', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(put, put, move, ask, ask), { maxLength: 30 }), async (steps) => {
      const push = new FakePush();
      const { coordinator, compiler } = push;
      const fetch = createFetch({ coordinator, log: silentLogger, awaited: () => [], domainSuffix: 'cluster.local' });
      const versions = new Map<string, string>();
      const lines = new Map<string, string>();
      for (const step of steps) {
        if (step.do === 'put') await push.change(step.layer, contentsOf(step));
        else if (step.do === 'move') {
          compiler.layersFor = () => step.layers;
          compiler.layersMoved = true;
        } else {
          const fetched = await fetchOnce(push, fetch, step);
          const client = push.connect('p', 'sotw');
          client.asks(step.type, { names: step.names });
          expect(await client.hears()).toEqual([fetched.line]);
          coordinator.disconnect(client.client, 'left');
          const key = `${step.type} ${fetched.version}`;
          const asked = `${compiler.layersFor(client.client.proxy)} ${step.names.sort()} ${fetched.line}`;
          expect(versions.get(asked) ?? key).toBe(key);
          expect(lines.get(key) ?? fetched.line).toBe(fetched.line);
          versions.set(asked, key);
          lines.set(key, fetched.line);
        }
      }
      expect(coordinator.clients.size).toBe(0);
      for (const { users } of coordinator.layers.all()) expect(users).toBe(0);
    }),
  );
});

/** Layers have no name in common, as those of the real compiler. */
function contentsOf({ layer, type, contents }: typeof put extends fc.Arbitrary<infer T> ? T : never): Contents {
  return { [type]: Object.fromEntries(Object.entries(contents).map(([name, text]) => [`${layer}-${name}`, text])) };
}

async function fetchOnce(push: FakePush, fetch: Fetch, { type, names }: { type: MeshType; names: string[] }) {
  const service = discoveryServices.find(({ only }) => only?.type === type);
  if (service === undefined) throw new Error(`no service of ${type}`);
  const request = create(DiscoveryRequestSchema, { node: { id: 'p' }, resourceNames: names });
  const fetching = fetch(service, toBinary(DiscoveryRequestSchema, request), { key: 'test', workload: null });
  await push.rest();
  const fetched = await fetching;
  // What is read of a response is its type and its bytes.
  const response = { type, parts: [fetchedMessage(fetched, '')] } as unknown as Response;
  return { version: fetched.version, line: lineOf(hear('sotw', response)) };
}
