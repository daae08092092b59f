import { beforeEach, describe, expect, it } from 'vitest';
import type { RawObject } from '../../../src/model/object.ts';
import { type RuleBook, type RuleChange, ruleBook } from '../../../src/rules/book/rule-book.ts';
import { serviceEntry } from '../../../src/rules/kinds/service-entry/index.ts';
import { defaultMeshConfig, meshConfigSchema } from '../../../src/rules/mesh-config.ts';
import type { RuleStore, StoredObject } from '../../../src/rules/store.ts';
import { memoryStore } from '../../../src/store/memory/memory.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { ruleIdOf } from '../../support/rules.ts';
import { sampleKind, sampleObject } from '../../support/sample-kind.ts';

interface FileObject {
  readonly name?: string;
  readonly hosts?: unknown;
  readonly origin?: string;
  readonly created?: string;
}

const fileObject = ({
  name = 'reviews',
  hosts = ['from-file'],
  origin = 'mesh/routes.yaml#1',
  created = '2026-01-01T00:00:00Z',
}: FileObject = {}): RawObject => ({
  apiVersion: 'sample.binnacle.io/v1',
  kind: 'SampleRoute',
  metadata: { name, namespace: 'default', labels: {}, annotations: {}, creationTimestamp: created },
  spec: { hosts },
  origin,
});

const meshObject = (spec: unknown, name = 'istio'): RawObject => ({
  ...fileObject({ name }),
  kind: 'MeshConfig',
  spec,
});

const id = ruleIdOf('SampleRoute/default/reviews');
const removal = { type: 'object-removed', kind: 'SampleRoute', namespace: 'default', name: 'reviews' } as const;

let book: RuleBook;
let seen: RuleChange[];
beforeEach(() => {
  book = ruleBook({ kinds: [sampleKind], mesh: defaultMeshConfig });
  seen = [];
  book.subscribe((changes) => seen.push(...changes));
});

const hostsInEffect = () => book.get(id)?.spec;

describe('the rule book and adapters', () => {
  it('notifies of a rule, of its change and of its removal', () => {
    book.replace('file', [fileObject()]);
    book.apply('file', [{ type: 'object', object: fileObject({ hosts: ['other'] }) }]);
    book.apply('file', [removal]);
    expect(seen).toMatchObject([
      { type: 'rule', rule: { origin: 'mesh/routes.yaml#1', spec: { hosts: ['from-file'] } } },
      { type: 'rule', rule: { spec: { hosts: ['other'] } } },
      { type: 'rule-removed', id },
    ]);
    expect([...book.rules()]).toEqual([]);
  });

  it('notifies of nothing when an adapter lists equal objects again', () => {
    book.replace('file', [fileObject()]);
    const before = book.get(id);
    book.replace('file', [fileObject()]);
    expect(seen).toHaveLength(1);
    expect(book.get(id)).toBe(before);
  });

  it('removes objects that a full list no longer has, of that adapter only', () => {
    book.replace('one', [fileObject({ name: 'a' })]);
    book.replace('two', [fileObject({ name: 'b' })]);
    book.replace('one', []);
    expect([...book.rules()].map((rule) => rule.metadata.name)).toEqual(['b']);
  });

  it('leaves an invalid object out, and keeps the others', () => {
    book.replace('file', [fileObject({ name: 'bad', hosts: 7 }), fileObject()]);
    expect([...book.rules()].map((rule) => rule.metadata.name)).toEqual(['reviews']);
    expect(book.reports()).toEqual([
      {
        id: 'SampleRoute/default/bad',
        source: 'file',
        origin: 'mesh/routes.yaml#1',
        problems: [{ path: 'spec.hosts', message: 'expected array, received number' }],
        inEffect: 'nothing',
      },
    ]);
  });

  it('keeps the last valid version of an object that became invalid, and reports it', () => {
    book.replace('file', [fileObject()]);
    book.replace('file', [fileObject({ hosts: 7 })]);
    expect(hostsInEffect()).toMatchObject({ hosts: ['from-file'] });
    expect(book.reports()).toMatchObject([{ id, inEffect: 'earlier' }]);
    book.replace('file', [fileObject({ hosts: ['mended'] })]);
    expect(hostsInEffect()).toMatchObject({ hosts: ['mended'] });
    expect(book.reports()).toEqual([]);
  });

  it('prefers the oldest object of two adapters, and falls back to the other', () => {
    book.replace('new', [fileObject({ hosts: ['new'], created: '2026-02-01T00:00:00Z' })]);
    book.replace('old', [fileObject({ hosts: ['old'], created: '2026-01-01T00:00:00Z' })]);
    expect(hostsInEffect()).toMatchObject({ hosts: ['old'] });
    book.replace('old', []);
    expect(hostsInEffect()).toMatchObject({ hosts: ['new'] });
  });

  it('reports no more objects than requested', () => {
    book.replace(
      'file',
      ['a', 'b', 'c'].map((name) => fileObject({ name, hosts: 7 })),
    );
    expect(book.reports(2)).toHaveLength(2);
  });
});

describe('the rule book and the store', () => {
  let store: RuleStore;
  beforeEach(() => {
    store = memoryStore({ clock: fakeClock() });
    store.subscribe(book.applyStore);
  });
  const asDraft = (hosts: unknown) => {
    const { metadata, ...rest } = sampleObject({ spec: { hosts } });
    return { ...rest, metadata: { name: metadata.name, namespace: metadata.namespace, labels: {}, annotations: {} } };
  };
  const author = { author: 'ann' };
  const key = { kind: 'SampleRoute', namespace: 'default', name: 'reviews' };

  it("has a stored rule with the store's metadata", async () => {
    await store.create(asDraft(['stored']), author);
    const stored = await store.get(key);
    expect(book.get(id)).toMatchObject({ origin: 'store', metadata: stored?.metadata });
  });

  it('prefers the store, reports the file as shadowed, and falls back to it', async () => {
    book.replace('file', [fileObject()]);
    await store.create(asDraft(['stored']), author);
    expect(hostsInEffect()).toMatchObject({ hosts: ['stored'] });
    expect(book.adapterOrigin(id)).toBe('mesh/routes.yaml#1');
    expect(book.reports()).toMatchObject([
      {
        origin: 'mesh/routes.yaml#1',
        inEffect: 'other',
        problems: [{ message: `shadowed by ${id} of store: delete that one to put this one into effect` }],
      },
    ]);
    await store.remove(key, { ...author, expectedResourceVersion: null });
    expect(hostsInEffect()).toMatchObject({ hosts: ['from-file'] });
    expect(book.reports()).toEqual([]);
  });

  it('reports a stored object that the schema no longer accepts', async () => {
    await store.create(asDraft(7), author);
    expect(book.get(id)).toBeNull();
    expect(book.reports()).toMatchObject([{ id, source: 'store', inEffect: 'nothing' }]);
  });
});

describe('a prepared object', () => {
  const stored = {
    ...sampleObject(),
    metadata: {
      ...{ name: 'reviews', namespace: 'default', labels: {}, annotations: {} },
      ...{ creationTimestamp: '2026-01-01T00:00:00.000Z', generation: 1, resourceVersion: '1', uid: 'u' },
    },
  };
  let checks = 0;
  const counted = { ...sampleKind, spec: sampleKind.spec.refine(() => ++checks > 0) };

  it('is not validated again, and changes nothing before it is applied', () => {
    const counting = ruleBook({ kinds: [counted], mesh: defaultMeshConfig });
    checks = 0;
    counting.prepare(stored);
    expect([checks, counting.get(id)]).toEqual([1, null]);
    counting.applyStore([{ type: 'put', object: stored, previous: null }]);
    expect([checks, counting.get(id)?.spec]).toMatchObject([1, { hosts: ['reviews'] }]);
    counting.applyStore([{ type: 'put', object: { ...stored, spec: { hosts: ['b'] } }, previous: stored }]);
    expect([checks, counting.get(id)?.spec]).toMatchObject([2, { hosts: ['b'] }]);
  });
});

describe('the mesh configuration', () => {
  const policy = (mode: string) => ({ outboundTrafficPolicy: { mode } });

  it('is that of the configuration file until an object overrides it, field by field', () => {
    book = ruleBook({ kinds: [], mesh: { ...defaultMeshConfig, rootNamespace: 'mesh-root' } });
    book.replace('file', [meshObject(policy('REGISTRY_ONLY'))]);
    expect(book.mesh()).toMatchObject({ rootNamespace: 'mesh-root', outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } });
    book.replace('file', []);
    expect(book.mesh()).toMatchObject({ rootNamespace: 'mesh-root', outboundTrafficPolicy: { mode: 'ALLOW_ANY' } });
  });

  it('keeps the last valid one when an object becomes invalid', () => {
    book.replace('file', [meshObject(policy('REGISTRY_ONLY'))]);
    book.replace('file', [meshObject(policy('REGISTRY_OMLY'))]);
    expect(book.mesh().outboundTrafficPolicy.mode).toBe('REGISTRY_ONLY');
    expect(seen).toHaveLength(1);
    expect(book.reports()).toMatchObject([
      {
        inEffect: 'earlier',
        problems: [
          {
            path: 'spec.outboundTrafficPolicy.mode',
            message: 'must be one of ALLOW_ANY, REGISTRY_ONLY (did you mean "REGISTRY_ONLY"?)',
          },
        ],
      },
    ]);
  });

  it('refuses a connect timeout of 0, for which Envoy would reject every cluster', () => {
    book.replace('file', [meshObject({ connectTimeout: '0s' })]);
    expect(book.mesh()).toEqual(defaultMeshConfig);
    expect(book.reports()).toMatchObject([
      { inEffect: 'nothing', problems: [{ path: 'spec.connectTimeout', message: 'must be 1ms or more' }] },
    ]);
  });

  it('is unique: a second object is reported as shadowed', () => {
    book.replace('file', [meshObject(policy('REGISTRY_ONLY'), 'a'), meshObject({}, 'b')]);
    expect(book.mesh().outboundTrafficPolicy.mode).toBe('REGISTRY_ONLY');
    expect(book.reports()).toMatchObject([{ id: 'MeshConfig/default/b', inEffect: 'other' }]);
  });

  it('is checked for its own name and version, unlike that of a ConfigMap', () => {
    const own = { ...meshObject(policy('REGISTRY_ONLY'), 'other'), apiVersion: 'mesh.binnacle.dev/v1' };
    const early = { ...meshObject({}, 'default'), apiVersion: 'mesh.binnacle.dev/v0' };
    book.replace('file', [own, early]);
    expect(book.mesh()).toEqual(defaultMeshConfig);
    expect(book.reports().map(({ problems }) => problems)).toEqual([
      [{ path: 'apiVersion', message: 'must be mesh.binnacle.dev/v1' }],
      [{ path: 'metadata.name', message: 'must be default: there is one mesh configuration' }],
    ]);
  });
});

describe('the mesh configuration of the store', () => {
  const author = { author: 'ann', expectedResourceVersion: null };
  const key = { kind: 'MeshConfig', namespace: '', name: 'default' };
  const draft = (spec: unknown) => ({
    kind: 'MeshConfig',
    apiVersion: 'mesh.binnacle.dev/v1',
    metadata: { name: 'default', namespace: '', labels: {}, annotations: {} },
    spec,
  });
  const configured = meshConfigSchema.parse({
    rootNamespace: 'mesh',
    outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' },
  });
  let store: RuleStore;
  beforeEach(() => {
    book = ruleBook({ kinds: [sampleKind], mesh: configured });
    book.subscribe((changes) => seen.push(...changes));
    store = memoryStore({ clock: fakeClock() });
    store.subscribe(book.applyStore);
  });

  it('takes effect at once, field by field, and returns to binnacle.yaml when it is deleted', async () => {
    await store.create(draft({ connectTimeout: '3s', outboundTrafficPolicy: {} }), author);
    expect(book.mesh()).toEqual({ ...configured, connectTimeout: '3s' });
    await store.update(draft({ connectTimeout: '4s', defaultServiceExportTo: ['.'] }), author);
    expect(book.mesh()).toEqual({ ...configured, connectTimeout: '4s', defaultServiceExportTo: ['.'] });
    await store.remove(key, author);
    expect(book.mesh()).toEqual(configured);
    expect(seen).toMatchObject([
      { type: 'mesh', mesh: { connectTimeout: '3s' } },
      { type: 'mesh', mesh: { connectTimeout: '4s' } },
      { type: 'mesh', mesh: configured },
    ]);
  });

  it('keeps the last valid one when an object becomes invalid, and reports it', async () => {
    await store.create(draft({ connectTimeout: '3s' }), author);
    await store.update(draft({ connectTimeout: '0s' }), author);
    expect(book.mesh().connectTimeout).toBe('3s');
    expect(book.reports()).toMatchObject([
      { id: 'MeshConfig//default', source: 'store', inEffect: 'earlier', problems: [{ path: 'spec.connectTimeout' }] },
    ]);
    await store.update(draft({ connectTimeout: '5s' }), author);
    expect(book.mesh().connectTimeout).toBe('5s');
    expect(book.reports()).toEqual([]);
  });

  it('wins over that of a file', async () => {
    book.replace('file', [meshObject({ connectTimeout: '9s', defaultServiceExportTo: ['.'] })]);
    await store.create(draft({ connectTimeout: '3s' }), author);
    expect(book.mesh()).toEqual({ ...configured, connectTimeout: '3s' });
    await store.remove(key, author);
    expect(book.mesh()).toEqual({ ...configured, connectTimeout: '9s', defaultServiceExportTo: ['.'] });
  });

  it('is independent of namespaces, which the book ignores', async () => {
    const namespaceKey = { kind: 'Namespace', namespace: '', name: 'shop' };
    const labels = { team: 'shop' };
    const metadata = { name: 'shop', namespace: '', labels, annotations: {} };
    await store.create({ kind: 'Namespace', apiVersion: 'v1', metadata, spec: {} }, author);
    await store.transact([{ type: 'apply', draft: draft({ connectTimeout: '3s' }) }], author);
    expect(book.reports()).toEqual([]);
    await store.remove(namespaceKey, author);
    expect(book.reports()).toEqual([]);
    expect(seen).toMatchObject([{ type: 'mesh', mesh: { connectTimeout: '3s' } }]);
  });
});

describe('changes that compile nothing', () => {
  const stored = (kind: string, metadata: object): StoredObject => ({
    kind,
    apiVersion: kind === 'SampleRoute' ? 'sample.binnacle.io/v1' : 'networking.istio.io/v1',
    metadata: {
      ...{ name: 'reviews', namespace: 'default', labels: {}, annotations: {}, uid: 'u' },
      ...{ creationTimestamp: '2026-01-01T00:00:00.000Z', generation: 1, resourceVersion: '1' },
      ...metadata,
    },
    spec:
      kind === 'SampleRoute'
        ? { hosts: ['a'] }
        : { hosts: ['a.test'], ports: [{ number: 80, name: 'http', protocol: 'HTTP' }], resolution: 'DNS' },
  });
  const changesOf = (kind: string, before: object, after: object) => {
    const own = ruleBook({ kinds: [sampleKind, serviceEntry], mesh: defaultMeshConfig });
    own.applyStore([{ type: 'put', object: stored(kind, before), previous: null }]);
    let count = 0;
    own.subscribe((changes) => {
      count += changes.length;
    });
    own.applyStore([{ type: 'put', object: stored(kind, after), previous: null }]);
    return count;
  };

  for (const { title, kind = 'SampleRoute', after, want } of [
    { title: 'a status, which changes only the version', after: { resourceVersion: '2' }, want: 0 },
    { title: 'labels', after: { resourceVersion: '2', labels: { a: 'b' } }, want: 0 },
    { title: 'annotations', after: { resourceVersion: '2', annotations: { a: 'b' } }, want: 0 },
    { title: 'a generation', after: { resourceVersion: '2', generation: 2 }, want: 1 },
    { title: 'labels of a ServiceEntry', kind: 'ServiceEntry', after: { labels: { a: 'b' } }, want: 1 },
    { title: 'annotations of a ServiceEntry', kind: 'ServiceEntry', after: { annotations: { a: 'b' } }, want: 0 },
  ]) {
    it(`notifies of ${want} changes for ${title}`, () => expect(changesOf(kind, {}, after)).toBe(want));
  }
});
