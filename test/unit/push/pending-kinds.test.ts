import { expect, test } from 'vitest';
import type { RawObject } from '../../../src/model/object.ts';
import { createFeed } from '../../../src/push/feed.ts';
import { ruleBook } from '../../../src/rules/book/rule-book.ts';
import { ruleKinds } from '../../../src/rules/kinds/index.ts';
import { defaultMeshConfig } from '../../../src/rules/mesh-config.ts';
import { messagesOn } from '../../../src/rules/pending.ts';
import { createServiceEntryIndex } from '../../../src/rules/service-entries/index.ts';
import { testRegistry } from '../../support/registry.ts';
import { compiledWorld, service } from '../../support/world.ts';

const selector = { matchLabels: { app: 'reviews' } };
const lua = { inlineCode: 'function envoy_on_request(handle) end' };

/** A spec of each kind that nothing is compiled of, for the workloads of a namespace where it can be. */
const specs: Readonly<Record<string, object>> = {
  Gateway: {
    selector: { app: 'edge' },
    servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }],
  },
  EnvoyFilter: {
    configPatches: [{ applyTo: 'CLUSTER', patch: { operation: 'MERGE', value: { lb_policy: 'RANDOM' } } }],
  },
  ProxyConfig: { concurrency: 2 },
  PeerAuthentication: { mtls: { mode: 'STRICT' } },
  RequestAuthentication: { selector, jwtRules: [{ issuer: 'a' }] },
  AuthorizationPolicy: { action: 'DENY', rules: [{}] },
  Telemetry: { tracing: [{ randomSamplingPercentage: 1 }] },
  WasmPlugin: { selector, url: 'oci://registry.example/auth' },
  TrafficExtension: { lua },
};

const objects = ruleKinds
  .filter(({ kind }) => Object.hasOwn(specs, kind))
  .map(
    ({ kind, group, versions }): RawObject => ({
      apiVersion: `${group}/${versions[0]}`,
      kind,
      metadata: {
        name: 'all',
        namespace: 'default',
        labels: {},
        annotations: {},
        creationTimestamp: '2026-01-01T00:00:00Z',
      },
      spec: specs[kind],
      origin: 'rules.yaml#1',
    }),
  );

function program() {
  const { registry } = testRegistry();
  const book = ruleBook({ kinds: ruleKinds, mesh: defaultMeshConfig });
  const feed = createFeed({
    registry,
    book,
    serviceEntries: createServiceEntryIndex(),
    serviceEntryShard: registry.shard('service-entries', 'service-entry', { required: false, savesSnapshot: false }),
  });
  feed.start(() => {});
  const world = compiledWorld();
  world.apply(service('reviews'), ...feed.take());
  return { book, feed, world };
}

test('rules of kinds without effect change nothing for a proxy', () => {
  const { book, feed, world } = program();
  const before = world.table('cluster');
  book.replace('file', objects);
  expect(book.reports()).toEqual([]);
  expect([...book.rules()]).toHaveLength(objects.length);
  const nothing = { changes: [], moved: null, work: { hostsCompiled: 0, encoded: 0 } };
  expect(world.apply(...feed.take())).toMatchObject(nothing);
  book.replace('file', []);
  expect(world.apply(...feed.take())).toMatchObject(nothing);
  expect(world.table('cluster')).toEqual(before);
});

test('each of them is reported as without effect', () => {
  const { book } = program();
  book.replace('file', objects);
  expect(Object.fromEntries(messagesOn(book.rules(), ruleKinds, []))).toEqual(
    Object.fromEntries(objects.map(({ kind }) => [`${kind}/default/all`, ['not in effect yet: spec']])),
  );
});

test('a rule that is partly in effect is reported as such, beside its other messages', () => {
  const { book } = program();
  const route = [{ destination: { host: 'reviews' } }];
  const [template] = objects;
  if (template === undefined) throw new Error('there are kinds without effect');
  book.replace('file', [
    {
      ...template,
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      spec: {
        hosts: ['a'],
        http: [{ route, fault: { abort: { httpStatus: 503, percentage: { value: 1 } } } }, { route }],
      },
    },
    { ...template, apiVersion: 'networking.istio.io/v1', kind: 'Sidecar', spec: { egress: [{ hosts: ['*/*'] }] } },
  ]);
  const id = 'VirtualService/default/all';
  const kinds = ruleKinds.map((kind) => ({
    ...kind,
    pending: kind.kind === 'VirtualService' ? () => ['spec.http[0].fault'] : () => [],
  }));
  const found = (text: string) => [new Map([[id, [text]]]), new Map([['service/a', ['b']]])];
  expect([...messagesOn(book.rules(), kinds, found('host b: no service'))]).toEqual([
    [id, ['host b: no service', 'not in effect yet: spec.http[0].fault']],
    ['service/a', ['b']],
  ]);
  const inOwnWords = 'spec.http[0].fault.abort: needs another proxy';
  expect(messagesOn(book.rules(), kinds, found(inOwnWords)).get(id)).toEqual([inOwnWords]);
  const other = 'spec.http[0].faults: unknown';
  expect(messagesOn(book.rules(), kinds, found(other)).get(id)).toHaveLength(2);
});

test('the kinds of this test are exactly those that are not compiled', () => {
  const compiled = ['VirtualService', 'DestinationRule', 'Sidecar', 'WorkloadGroup', 'ServiceEntry', 'WorkloadEntry'];
  const others = ruleKinds.map(({ kind }) => kind).filter((kind) => !compiled.includes(kind));
  expect(objects.map(({ kind }) => kind)).toEqual(others);
});
