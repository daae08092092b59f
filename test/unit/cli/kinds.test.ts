import { describe, expect, it } from 'vitest';
import { createClient } from '../../../src/cli/rules/client.ts';
import { noCredentials } from '../../../src/cli/rules/credentials.ts';
import { discoverKinds, displayName, findKinds, type ServedKind, urlOf } from '../../../src/cli/rules/kinds.ts';
import { readTarget, readTargets } from '../../../src/cli/rules/targets.ts';
import { startStub } from '../../support/http-stub.ts';

const resource = (plural: string, kind: string, facts: object = {}) => ({
  resource: plural,
  singularResource: kind.toLowerCase(),
  responseKind: { kind },
  scope: 'Namespaced',
  ...facts,
});

const groups = [
  {
    metadata: { name: 'net.io' },
    versions: [
      {
        version: 'v1',
        resources: [
          resource('routes', 'Route', { shortNames: ['rt'], categories: ['rules'] }),
          resource('gates', 'Gate'),
        ],
      },
      { version: 'v1beta1', resources: [resource('routes', 'Route')] },
    ],
  },
  { metadata: { name: 'other.io' }, versions: [{ version: 'v2', resources: [resource('routes', 'Route')] }] },
];
const core = [
  {
    metadata: {},
    versions: [{ version: 'v1', resources: [resource('namespaces', 'Namespace', { scope: 'Cluster' })] }],
  },
];

async function discover(apis: unknown, api: unknown = { kind: 'APIGroupDiscoveryList', items: core }) {
  const server = await startStub((request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(request.url === '/api' ? api : apis));
  });
  const settings = {
    server,
    from: '--server',
    namespace: '',
    author: '',
    credentials: noCredentials,
    timeoutMs: 2_000,
  };
  return discoverKinds(createClient({ ...settings, warn: () => {} }));
}

const served = () => discover({ kind: 'APIGroupDiscoveryList', items: groups });
const names = (kinds: readonly ServedKind[]) => kinds.map(({ plural, group }) => `${plural}.${group}`);

describe('kinds of a server', () => {
  it('are read with names, versions and scope', async () => {
    const [routes, , , namespaces] = await served();
    expect(routes).toEqual({
      kind: 'Route',
      plural: 'routes',
      singular: 'route',
      shortNames: ['rt'],
      categories: ['rules'],
      group: 'net.io',
      versions: ['v1', 'v1beta1'],
      namespaced: true,
    });
    expect(namespaces).toMatchObject({ plural: 'namespaces', group: '', namespaced: false });
  });

  for (const { word, want } of [
    { word: 'routes', want: ['routes.net.io'] },
    { word: 'Route', want: ['routes.net.io'] },
    { word: 'rt', want: ['routes.net.io'] },
    { word: 'routes.other.io', want: ['routes.other.io'] },
    { word: 'gate,rt', want: ['gates.net.io', 'routes.net.io'] },
    { word: 'rt,routes', want: ['routes.net.io'] },
    { word: 'rules', want: ['routes.net.io'] },
    { word: 'all', want: ['routes.net.io', 'gates.net.io', 'routes.other.io'] },
  ]) {
    it(`are found by "${word}"`, async () => {
      expect(names(findKinds(word, await served()))).toEqual(want);
    });
  }

  it('have URLs', async () => {
    const [routes, , , namespaces] = await served();
    if (routes === undefined || namespaces === undefined) throw new Error('they are served');
    expect(urlOf(routes, { namespace: null, name: null })).toBe('/apis/net.io/v1/routes');
    expect(urlOf(routes, { namespace: 'a', name: 'b/c', version: 'v1beta1' })).toBe(
      '/apis/net.io/v1beta1/namespaces/a/routes/b%2Fc',
    );
    expect(urlOf(namespaces, { namespace: 'a', name: 'b' })).toBe('/api/v1/namespaces/b');
    expect(displayName(routes, 'b')).toBe('route.net.io/b');
    expect(displayName(namespaces, 'b')).toBe('namespace/b');
  });

  it('are empty if the answer is invalid', async () => {
    expect(
      await discover({ kind: 'APIGroupDiscoveryList', items: [1, { versions: [{ resources: 'x' }, null] }] }),
    ).toHaveLength(1);
  });

  it('are rejected if the server is not Binnacle', async () => {
    await expect(discover({ kind: 'APIGroupList' })).rejects.toThrow(/has no list of kinds at \/apis/);
  });
});

describe('words that name objects', () => {
  const read = async (...words: readonly string[]) =>
    readTargets(words, await served()).map(({ kind, names }) => [kind.plural, names]);

  it('are a kind, kinds, a kind with names, or pairs', async () => {
    expect(await read('rt')).toEqual([['routes', null]]);
    expect(await read('rt,gates')).toEqual([
      ['routes', null],
      ['gates', null],
    ]);
    expect(await read('rt', 'a', 'b')).toEqual([['routes', ['a', 'b']]]);
    expect(await read('rt/a', 'gate/b')).toEqual([
      ['routes', ['a']],
      ['gates', ['b']],
    ]);
  });

  for (const words of [
    [],
    ['rt', 'gate/b'],
    ['rt,gate', 'a'],
    ['rt/'],
    ['/a'],
    ['rt/a/b'],
    ['rt,gate/a'],
    ['nothing'],
  ]) {
    it(`are not "${words.join(' ')}"`, async () => {
      await expect(read(...words)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    });
  }

  for (const words of [[], ['rt'], ['rt', 'a', 'b'], ['rt/a', 'rt/b'], ['all']]) {
    it(`do not name one object: "${words.join(' ')}"`, async () => {
      const kinds = await served();
      expect(() => readTarget(words, kinds)).toThrow(/name one object/);
    });
  }
});
