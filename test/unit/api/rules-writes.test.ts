import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { virtualService } from '../../../src/rules/kinds/virtual-service/index.ts';
import type { RuleStatus, RuleStatuses } from '../../../src/rules/status.ts';
import { jsonPatchHeaders, mergeType, rulesServer, urls, yamlType } from '../../support/rules-server.ts';
import { sampleKind, sampleObject } from '../../support/sample-kind.ts';

const { list, one } = urls;

let { store, send, close } = rulesServer();
beforeEach(() => {
  ({ store, send, close } = rulesServer());
});
afterEach(() => close());

describe('a generated name', () => {
  const body = { metadata: { generateName: 'canary-' }, spec: { hosts: ['a'] } };

  it('starts with the requested prefix', async () => {
    const [first, second] = [await send('POST', list, { body }), await send('POST', list, { body })];
    expect(first.body.metadata.name).toMatch(/^canary-[b-z2-9]{5}$/);
    expect(second.body.metadata.name).not.toBe(first.body.metadata.name);
  });

  it('has at most 63 letters', async () => {
    const { body: made } = await send('POST', list, { body: { ...body, metadata: { generateName: 'x'.repeat(90) } } });
    expect(made.metadata.name).toMatch(/^x{58}[b-z2-9]{5}$/);
  });

  it('is not generated for an object with a name', async () => {
    const named = { ...body, metadata: { generateName: 'canary-', name: 'mine' } };
    expect((await send('POST', list, { body: named })).body.metadata.name).toBe('mine');
  });
});

describe('a dry run', () => {
  const changed = sampleObject({ spec: { hosts: ['other'] } });
  beforeEach(async () => {
    await send('POST', list, { body: sampleObject() });
  });

  for (const { name, sent, code, want } of [
    {
      name: 'creates',
      sent: () => send('POST', `${list}?dryRun=All`, { body: sampleObject({ name: 'new' }) }),
      code: 201,
      want: { metadata: { name: 'new' } },
    },
    {
      name: 'replaces',
      sent: () => send('PUT', `${one}?dryRun=All`, { body: changed }),
      code: 200,
      want: { spec: { hosts: ['other'] } },
    },
    {
      name: 'patches',
      sent: () => send('PATCH', `${one}?dryRun=All`, { headers: mergeType, body: changed }),
      code: 200,
      want: { spec: { hosts: ['other'] } },
    },
    {
      name: 'deletes',
      sent: () => send('DELETE', `${one}?dryRun=All`),
      code: 200,
      want: { status: 'Success' },
    },
    {
      name: 'deletes like kubectl',
      sent: () => send('DELETE', one, { body: { kind: 'DeleteOptions', apiVersion: 'v1', dryRun: ['All'] } }),
      code: 200,
      want: { status: 'Success' },
    },
    {
      name: 'rejects what a write would reject',
      sent: () => send('POST', `${list}?dryRun=All`, { body: sampleObject() }),
      code: 409,
      want: { reason: 'AlreadyExists' },
    },
  ]) {
    it(`${name} and changes nothing`, async () => {
      const before = await store.list('SampleRoute');
      expect(await sent()).toMatchObject({ code, body: want });
      expect(await store.list('SampleRoute')).toEqual(before);
      expect(await store.audit({ limit: 10 })).toMatchObject({ items: [{ verb: 'create' }] });
    });
  }
});

describe('a JSON patch', () => {
  const patch = (body: unknown) => send('PATCH', one, { headers: jsonPatchHeaders, body });
  beforeEach(async () => {
    await send('POST', list, { body: sampleObject({ spec: { hosts: ['a', 'b'] } }) });
  });

  it('changes the fields that it names', async () => {
    const { code, body } = await patch([
      { op: 'test', path: '/spec/hosts/0', value: 'a' },
      { op: 'add', path: '/spec/hosts/-', value: 'c' },
      { op: 'remove', path: '/spec/hosts/0' },
      { op: 'add', path: '/metadata/labels/a.b~1c', value: 'x' },
    ]);
    expect([code, body.spec.hosts, body.metadata.labels]).toEqual([200, ['b', 'c'], { 'a.b/c': 'x' }]);
  });

  for (const { name, body, code, says } of [
    {
      name: 'a failed test',
      body: [{ op: 'test', path: '/spec/hosts/0', value: 'x' }],
      code: 422,
      says: 'operation 0: the test of /spec/hosts/0 failed',
    },
    {
      name: 'a missing path',
      body: [{ op: 'remove', path: '/spec/none' }],
      code: 422,
      says: '/spec/none does not exist',
    },
    {
      name: 'an invalid result',
      body: [{ op: 'add', path: '/spec/hsots', value: [] }],
      code: 422,
      says: 'did you mean "hosts"?',
    },
    {
      name: 'a changed name',
      body: [{ op: 'replace', path: '/metadata/name', value: 'x' }],
      code: 400,
      says: 'the body says name "x"',
    },
    { name: 'an operation list that is not a list', body: {}, code: 400, says: 'must be a list of operations' },
    {
      name: 'a prototype',
      body: [{ op: 'add', path: '/spec/__proto__/x', value: 1 }],
      code: 422,
      says: 'no field may be called __proto__',
    },
    {
      name: 'too many operations',
      body: Array.from({ length: 10_001 }, () => ({ op: 'test', path: '', value: 1 })),
      code: 413,
      says: '10000 operations at most',
    },
  ]) {
    it(`is rejected for ${name}`, async () => {
      const answer = await patch(body);
      expect(answer.code).toBe(code);
      expect(answer.body.message).toContain(says);
      expect((await send('GET', one)).body.spec).toEqual({ hosts: ['a', 'b'] });
    });
  }
});

describe('unknown and duplicate fields', () => {
  const spec = {
    hosts: ['a'],
    colour: 'red',
    routes: [{ destination: { host: 'a', port: 1 }, match: { exact: 'x', y: 1 } }],
  };
  const body = { ...sampleObject({ spec, metadata: { lables: {} } }), sepc: {} };
  const twice = '{"metadata":{"name":"reviews"},"spec":{"hosts":["a"],"hosts":["b"],"mode":"STRICT"}}';

  it('are rejected, each with its path', async () => {
    const { code, body: status } = await send('POST', list, { body });
    expect(code).toBe(422);
    expect(status.details.causes.map(({ field }: { field: string }) => field).toSorted()).toEqual([
      'metadata.lables',
      'sepc',
      'spec.colour',
      'spec.routes[0].destination.port',
      'spec.routes[0].match.y',
    ]);
    expect(await send('POST', list, { body: twice })).toMatchObject({
      code: 422,
      body: { details: { causes: [{ field: 'spec.hosts', message: 'duplicate field' }] } },
    });
  });

  it('are dropped with a warning each', async () => {
    const { code, body: made, headers } = await send('POST', `${list}?fieldValidation=Warn`, { body });
    expect(code).toBe(201);
    expect(made.spec).toEqual({ hosts: ['a'], routes: [{ destination: { host: 'a' }, match: { exact: 'x' } }] });
    expect([headers.warning].flat().toSorted()).toEqual([
      '299 - "metadata.lables: unknown field, was left out"',
      '299 - "sepc: unknown field, was left out"',
      '299 - "spec.colour: unknown field, was left out"',
      '299 - "spec.routes[0].destination.port: unknown field, was left out"',
      '299 - "spec.routes[0].match.y: unknown field, was left out"',
    ]);
  });

  it('are dropped silently', async () => {
    const { code, body: made, headers } = await send('POST', `${list}?fieldValidation=Ignore`, { body });
    expect([code, made.spec.colour, headers.warning]).toEqual([201, undefined, undefined]);
  });

  for (const { name, headers, text } of [
    { name: 'JSON', headers: {}, text: twice },
    { name: 'YAML', headers: yamlType, text: 'metadata: {name: reviews}\nspec:\n  hosts: [a]\n  hosts: [b]\n' },
  ]) {
    it(`use the last of two in ${name}`, async () => {
      const sent = { headers, body: text };
      expect((await send('POST', list, sent)).body.details.causes).toMatchObject([{ field: 'spec.hosts' }]);
      const warned = await send('POST', `${list}?fieldValidation=Warn`, sent);
      expect([warned.body.spec.hosts, warned.headers.warning]).toEqual([
        ['b'],
        ['299 - "spec.hosts: duplicate field, the last one was taken"'],
      ]);
    });
  }

  it('do not make another mistake acceptable', async () => {
    const wrong = sampleObject({ spec: { hosts: [], colour: 'red' } });
    expect(await send('POST', `${list}?fieldValidation=Ignore`, { body: wrong })).toMatchObject({
      code: 422,
      body: { details: { causes: [{ field: 'spec.hosts' }] } },
    });
  });
});

describe('warnings of an answer', () => {
  it('name dropped metadata, and none for what kubectl sends', async () => {
    const metadata = {
      ownerReferences: [{ uid: 'a' }],
      managedFields: [{ manager: 'kubectl' }],
      creationTimestamp: null,
      finalizers: [],
    };
    const { code, body, headers } = await send('POST', list, { body: sampleObject({ metadata }) });
    expect([code, body.metadata.ownerReferences]).toEqual([201, undefined]);
    expect(headers.warning).toEqual([expect.stringContaining('metadata.ownerReferences')]);
  });

  it('name fields without effect', async () => {
    const kind = { ...sampleKind, pending: () => ['spec.routes[0].match'] };
    const other = rulesServer({ kinds: [kind] });
    const { headers } = await other.send('POST', list, { body: sampleObject() });
    expect(headers.warning).toEqual(['299 - "spec.routes[0].match has no effect yet"']);
    await other.close();
  });

  it('name fields that some clients may reject', async () => {
    const other = rulesServer({ kinds: [virtualService] });
    const url = '/apis/networking.istio.io/v1/namespaces/default/virtualservices';
    const uri = { regex: '/api/v[0-9]+/(users|orders|products|payments)/[a-f0-9-]{36}' };
    const http = [{ match: [{ uri }], rewrite: { uri: '/' }, route: [{ destination: { host: 'reviews' } }] }];
    const body = { metadata: { name: 'reviews' }, spec: { hosts: ['reviews'], http } };

    const { code, headers } = await other.send('POST', url, { body });

    expect(code).toBe(201);
    expect(headers.warning).toEqual([
      expect.stringMatching(
        /^299 - "spec\.http\[0\]\.match\[0\]\.uri\.regex takes RE2 about 150 instructions; .*error_level/,
      ),
    ]);
    await other.close();
  });

  it('are short and plain for any field name', async () => {
    const spec = { hosts: ['a'], ...Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`é"${index}`, 1])) };
    const { code, headers } = await send('POST', `${list}?fieldValidation=Warn`, { body: sampleObject({ spec }) });
    expect(code).toBe(201);
    expect([headers.warning].flat()).toHaveLength(21);
    expect([headers.warning].flat().at(0)).toBe('299 - "spec[\\"?\\\\\\"0\\"]: unknown field, was left out"');
    expect([headers.warning].flat().at(-1)).toBe('299 - "and 30 more of this sort"');
  });
});

describe('the status of an object', () => {
  const status: RuleStatus = {
    observedGeneration: 1,
    conditions: [],
    proxies: { concerned: 2, acknowledged: 1, pending: 1, rejected: 0 },
    rejections: [],
  };
  const statuses: RuleStatuses = { of: () => status, subscribe: () => () => {} };
  const with_ = rulesServer({ statuses });
  afterEach(() => with_.close());

  it('is in every answer, and ignored in requests', async () => {
    const body = { ...sampleObject(), status: { anything: 'else' } };
    expect((await with_.send('POST', list, { body })).body.status).toEqual(status);
    expect((await with_.send('GET', `${one}/status`)).body).toMatchObject({ ...sampleObject(), status });
    expect((await with_.send('GET', list)).body.items).toMatchObject([{ status }]);
    expect((await with_.send('PATCH', one, { headers: mergeType, body: { status: null } })).body.status).toEqual(
      status,
    );
    expect(await with_.store.get({ kind: 'SampleRoute', namespace: 'default', name: 'reviews' })).not.toHaveProperty(
      'status',
    );
  });
});

describe('a hundred writers on one object', () => {
  const writers = Array.from({ length: 100 }, (_, index) => index);
  beforeEach(async () => {
    await send('POST', list, { body: sampleObject({ spec: { hosts: ['0'] } }) });
  });

  it('lose no update when they PUT the version that they read', async () => {
    const increment = async (): Promise<void> => {
      const { body } = await send('GET', one);
      const hosts = [String(Number(body.spec.hosts[0]) + 1)];
      const { code } = await send('PUT', one, { body: { ...body, spec: { hosts } } });
      if (code === 409) await increment();
      else expect(code).toBe(200);
    };
    await Promise.all(writers.map(increment));
    expect((await send('GET', one)).body).toMatchObject({ spec: { hosts: ['100'] }, metadata: { generation: 101 } });
  });

  it('lose no update with a JSON patch that tests what they read', async () => {
    const increment = async (): Promise<void> => {
      const seen = (await send('GET', one)).body.spec.hosts[0];
      const { code } = await send('PATCH', one, {
        headers: jsonPatchHeaders,
        body: [
          { op: 'test', path: '/spec/hosts/0', value: seen },
          { op: 'replace', path: '/spec/hosts/0', value: String(Number(seen) + 1) },
        ],
      });
      if (code === 409 || code === 422) await increment();
      else expect(code).toBe(200);
    };
    await Promise.all(writers.map(increment));
    expect((await send('GET', one)).body.spec.hosts).toEqual(['100']);
  });

  it('write different fields concurrently with merge patches', async () => {
    const patch = async (index: number): Promise<void> => {
      const body = { metadata: { labels: { [`l${index}`]: 'x' } } };
      const { code } = await send('PATCH', one, { headers: mergeType, body });
      if (code === 409) await patch(index);
    };
    await Promise.all(writers.map(patch));
    expect(Object.keys((await send('GET', one)).body.metadata.labels)).toHaveLength(100);
  });
});
