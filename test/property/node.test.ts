import { create, fromBinary, type JsonValue, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NodeSchema } from '#gen/envoy/config/core/v3/base_pb.js';
import { defaultNodeLimits } from '../../src/xds/wire/node-limits.ts';
import { type NodeFacts, readNode } from '../../src/xds/wire/node-reader.ts';

const read = ['NAME', 'NAMESPACE', 'INSTANCE_IPS', 'CLUSTER_ID', 'NETWORK', 'INTERCEPTION_MODE'] as const;
const key = fc.oneof(fc.constantFrom(...read, 'LABELS', 'ANNOTATIONS', '__proto__'), fc.string({ unit: 'grapheme' }));
const anything: fc.Arbitrary<JsonValue> = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<JsonValue>;
const labels = fc.dictionary(
  fc.string({ unit: 'grapheme' }),
  fc.oneof({ weight: 3, arbitrary: fc.string() }, anything),
);
const value = fc.oneof({ weight: 3, arbitrary: fc.string({ unit: 'grapheme' }) }, labels, anything);
const locality = fc.record({ region: fc.string(), zone: fc.string(), subZone: fc.string() }, { requiredKeys: [] });
const node = fc.record(
  {
    id: fc.string({ unit: 'grapheme' }),
    userAgentName: fc.string(),
    locality,
    metadata: fc.dictionary(key, value),
    extensions: fc.array(fc.record({ name: fc.string(), category: fc.string() })),
    dynamicParameters: fc.constant({ any: { params: { a: 'b' } } }),
    listeningAddresses: fc.constant([]),
  },
  { requiredKeys: [] },
);

const known = (facts: NodeFacts) => ({ ...facts, text: read.map(facts.text) });

const bytesOf = (said: object): Uint8Array => toBinary(NodeSchema, create(NodeSchema, said));

test('a node is parsed as the library parses it, even with duplicate fields', () => {
  fc.assert(
    fc.property(fc.array(node, { minLength: 1, maxLength: 2 }), (said) => {
      const bytes = Buffer.concat(said.map(bytesOf)); // the later one is merged into the earlier one
      const message = fromBinary(NodeSchema, bytes);
      const facts = readNode(bytes, defaultNodeLimits);
      const metadata = message.metadata ?? {};
      const { region = '', zone = '', subZone = '' } = message.locality ?? {};
      const all = metadata.LABELS;
      const isStruct = typeof all === 'object' && all !== null && !Array.isArray(all);
      expect(facts.ok && known(facts.value)).toEqual({
        id: message.id,
        userAgent: message.userAgentName,
        locality: [region, zone, subZone],
        labels: Object.fromEntries(Object.entries(isStruct ? all : {}).filter(([, one]) => typeof one === 'string')),
        text: read.map((name) => (typeof metadata[name] === 'string' ? metadata[name] : '')),
      });
    }),
    { numRuns: 500 },
  );
});

test('damaged bytes never throw', () => {
  const damage = fc.array(fc.record({ at: fc.nat(), byte: fc.nat(255) }), { maxLength: 3 });
  fc.assert(
    fc.property(node, damage, fc.nat(), (said, places, length) => {
      const bytes = bytesOf(said);
      for (const { at, byte } of places) bytes[at % Math.max(1, bytes.length)] = byte;
      const facts = readNode(bytes.subarray(0, length % (bytes.length + 1)), defaultNodeLimits);
      expect(!facts.ok || typeof facts.value.id === 'string').toBe(true);
    }),
    { numRuns: 500 },
  );
  expect(readNode(Buffer.from([0x0a, 0xff]), defaultNodeLimits).ok).toBe(false);
});
