import { describe, expect, it } from 'vitest';
import { ruleKinds } from '../../../src/rules/kinds/index.ts';
import { validateObject, validateRule } from '../../../src/rules/validation/validate.ts';
import { sampleKind, sampleObject } from '../../support/sample-kind.ts';

const kinds = [sampleKind];

/** Returns the problems of an object as `path: message`. */
function complaints(object: unknown): readonly string[] {
  const result = validateObject(object, kinds);
  return result.ok ? [] : result.error.map(({ path, message }) => `${path}: ${message}`);
}

const withSpec = (spec: unknown) => sampleObject({ spec });
const withRoute = (route: object) => withSpec({ hosts: ['a'], routes: [{ destination: { host: 'a' } }, route] });

describe('validateObject', () => {
  it('returns a valid object as written, and as parsed by the schema', () => {
    const result = validateObject(withSpec({ hosts: ['a'] }), kinds);
    expect(result).toMatchObject({
      ok: true,
      value: { kind: sampleKind, written: { hosts: ['a'] }, spec: { hosts: ['a'], mode: 'STRICT', routes: [] } },
    });
  });

  it('accepts fields that Kubernetes tools add', () => {
    const metadata = {
      creationTimestamp: null,
      generation: 3,
      labels: null,
      managedFields: [{ manager: 'kubectl' }],
      ownerReferences: [],
      resourceVersion: '',
      uid: 'u-1',
    };
    expect(complaints({ ...sampleObject({ metadata }), status: { anything: 1 } })).toEqual([]);
  });

  for (const { name, object, want } of [
    { name: 'no object', object: ['a'], want: ': must be an object, not a list' },
    { name: 'an empty document', object: null, want: ': must be an object, not empty' },
    { name: 'no kind', object: { ...sampleObject(), kind: undefined }, want: 'kind: must say the kind of the object' },
    {
      name: 'a mistyped kind',
      object: { ...sampleObject(), kind: 'SampleRuote' },
      want: 'kind: unknown kind "SampleRuote" (did you mean "SampleRoute"?); known are SampleRoute',
    },
    {
      name: 'a version that the kind does not have',
      object: { ...sampleObject(), apiVersion: 'sample.binnacle.io/v2' },
      want: 'apiVersion: must be sample.binnacle.io/v1 or sample.binnacle.io/v1beta1 for SampleRoute, not "sample.binnacle.io/v2"',
    },
    {
      name: 'an unknown field of the object',
      object: { ...sampleObject(), specs: {} },
      want: 'specs: unknown field (did you mean "spec"?)',
    },
    {
      name: 'an unknown field near a known one',
      object: withRoute({ destination: { host: 'a', subste: 'v1' } }),
      want: 'spec.routes[1].destination.subste: unknown field (did you mean "subset"?)',
    },
    {
      name: 'an unknown field near nothing',
      object: withRoute({ destination: { host: 'a', zzzzzz: 'v1' } }),
      want: 'spec.routes[1].destination.zzzzzz: unknown field; known are host, subset',
    },
    {
      name: 'a wrong type in a list',
      object: withRoute({ destination: { host: 'a' }, weight: 'ten' }),
      want: 'spec.routes[1].weight: expected number, received string',
    },
    {
      name: 'a mistyped constant',
      object: withSpec({ hosts: ['a'], mode: 'STRIKT' }),
      want: 'spec.mode: must be one of STRICT, PERMISSIVE (did you mean "STRICT"?)',
    },
    {
      name: 'an unknown field in one of several forms',
      object: withRoute({ destination: { host: 'a' }, match: { prefix: '/a', prefx: '/b' } }),
      want: 'spec.routes[1].match.prefx: unknown field (did you mean "prefix"?)',
    },
    {
      name: 'a key that is no plain word',
      object: withSpec({ hosts: ['a'], headers: { 'x.y': { prefix: 7 } } }),
      want: 'spec.headers["x.y"].prefix: expected string, received number',
    },
    { name: 'no spec', object: sampleObject({ spec: null }), want: 'spec.hosts: expected array, received undefined' },
  ]) {
    it(`reports ${name}`, () => {
      expect(complaints(object)).toContain(want);
    });
  }

  for (const { name, metadata, path } of [
    { name: 'no name', metadata: { name: undefined }, path: 'metadata.name' },
    { name: 'a name in upper case', metadata: { name: 'Reviews' }, path: 'metadata.name' },
    { name: 'a name of 254 characters', metadata: { name: 'a'.repeat(254) }, path: 'metadata.name' },
    { name: 'a namespace with a dot', metadata: { namespace: 'a.b' }, path: 'metadata.namespace' },
    { name: 'a label value with a space', metadata: { labels: { team: 'a b' } }, path: 'metadata.labels.team' },
    { name: 'a label key with two slashes', metadata: { labels: { 'a/b/c': '' } }, path: 'metadata.labels["a/b/c"]' },
    { name: 'a label that is a number', metadata: { labels: { team: 7 } }, path: 'metadata.labels.team' },
    {
      name: 'annotations over 256 KiB',
      metadata: { annotations: { a: 'x'.repeat(300_000) } },
      path: 'metadata.annotations',
    },
    { name: 'an unknown field', metadata: { lables: {} }, path: 'metadata.lables' },
    { name: 'finalizers', metadata: { finalizers: ['a.example/b'] }, path: 'metadata.finalizers' },
    { name: 'a time that is none', metadata: { creationTimestamp: 'today' }, path: 'metadata.creationTimestamp' },
  ]) {
    it(`refuses metadata with ${name}`, () => {
      expect(complaints(sampleObject({ metadata }))).toEqual([expect.stringContaining(`${path}: `)]);
    });
  }

  it('accepts a name with dots, as Kubernetes does', () => {
    expect(complaints(sampleObject({ name: 'reviews.example.com' }))).toEqual([]);
  });

  it('reports a mistake in a key of a map by its path', () => {
    const object = {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'a', namespace: 'default' },
      spec: {
        hosts: ['a'],
        http: [{ route: [{ destination: { host: 'a' } }], headers: { response: { set: { host: 'b' } } } }],
      },
    };
    const result = validateObject(object, ruleKinds);
    expect(result.ok ? [] : result.error).toEqual([
      { path: 'spec.http[0].headers.response.set.host', message: 'the host is changed by rewrite.authority' },
    ]);
  });

  it('reports at most twenty mistakes of a spec', () => {
    const routes = Array.from({ length: 1000 }, () => ({ destination: {} }));
    expect(complaints(withSpec({ hosts: ['a'], routes }))).toHaveLength(20);
  });
});

describe('validateRule', () => {
  const raw = {
    ...sampleObject({ spec: { hosts: ['a'] } }),
    metadata: {
      name: 'a',
      namespace: 'default',
      labels: {},
      annotations: {},
      creationTimestamp: '2026-01-02T03:04:05Z',
    },
    origin: 'mesh/routes.yaml#2',
  };

  it('creates a rule with its origin, and times in one form', () => {
    expect(validateRule(raw, kinds)).toMatchObject({
      ok: true,
      value: {
        kind: 'SampleRoute',
        apiVersion: 'sample.binnacle.io/v1',
        origin: 'mesh/routes.yaml#2',
        metadata: { creationTimestamp: '2026-01-02T03:04:05.000Z', generation: 1 },
        spec: { mode: 'STRICT' },
      },
    });
  });

  it('gives equal versions to equal content, and different ones to different content', () => {
    const versionOf = (hosts: string[]) => {
      const result = validateRule({ ...raw, spec: { hosts } }, kinds);
      return result.ok ? result.value.metadata.resourceVersion : null;
    };
    expect(versionOf(['a'])).toBe(versionOf(['a']));
    expect(versionOf(['a'])).not.toBe(versionOf(['b']));
  });
});
