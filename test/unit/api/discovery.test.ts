import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { discoveryRoutes } from '../../../src/api/rules/discovery/discovery.ts';
import { createHttpServer } from '../../../src/api/server.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import type { RuleKind } from '../../../src/rules/rule.ts';
import { allowAll } from '../../support/allow-all.ts';
import { sampleKind } from '../../support/sample-kind.ts';

const older: RuleKind = {
  ...sampleKind,
  kind: 'OldRoute',
  plural: 'oldroutes',
  singular: 'oldroute',
  versions: ['v1alpha3'],
};
const space: RuleKind = {
  ...sampleKind,
  ...{ kind: 'Namespace', plural: 'namespaces', singular: 'namespace', shortNames: ['ns'] },
  ...{ group: '', versions: ['v1'], scope: 'cluster', spec: z.strictObject({}) },
};

let server: FastifyInstance;
beforeEach(() => {
  const routes = [discoveryRoutes({ kinds: [older, sampleKind, space], version: '1.2.3' })];
  server = createHttpServer({ log: silentLogger, accessCheck: allowAll, routes });
});
afterEach(() => server.close());

const ask = async (url: string, headers: Record<string, string> = {}) => {
  const response = await server.inject({ method: 'GET', url, headers });
  return { code: response.statusCode, headers: response.headers, body: response.body === '' ? null : response.json() };
};
const aggregatedType = (version: string) =>
  `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;

describe('discovery', () => {
  it('lists the groups with their versions, preferred version first', async () => {
    expect((await ask('/api')).body).toMatchObject({ kind: 'APIVersions', versions: ['v1'] });
    const { body } = await ask('/apis');
    expect(body.kind).toBe('APIGroupList');
    expect(body.groups).toEqual([
      {
        name: 'sample.binnacle.io',
        versions: ['v1', 'v1beta1', 'v1alpha3'].map((version) => ({
          groupVersion: `sample.binnacle.io/${version}`,
          version,
        })),
        preferredVersion: { groupVersion: 'sample.binnacle.io/v1', version: 'v1' },
      },
    ]);
    expect((await ask('/apis/sample.binnacle.io')).body).toMatchObject({ kind: 'APIGroup', ...body.groups[0] });
  });

  it('lists the kinds of a version', async () => {
    const { body } = await ask('/apis/sample.binnacle.io/v1');
    expect(body).toMatchObject({ kind: 'APIResourceList', groupVersion: 'sample.binnacle.io/v1' });
    expect(body.resources).toEqual([
      {
        name: 'sampleroutes',
        singularName: 'sampleroute',
        namespaced: true,
        kind: 'SampleRoute',
        verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
        shortNames: ['sr'],
        categories: ['all', 'rules'],
      },
      { name: 'sampleroutes/status', singularName: '', namespaced: true, kind: 'SampleRoute', verbs: ['get'] },
    ]);
    expect((await ask('/apis/sample.binnacle.io/v1alpha3')).body.resources[0].kind).toBe('OldRoute');
    expect((await ask('/api/v1')).body.resources[0]).toMatchObject({
      name: 'namespaces',
      namespaced: false,
      categories: [],
    });
  });

  for (const version of ['v2', 'v2beta1']) {
    it(`lists everything at once as ${version}`, async () => {
      const accept = `${aggregatedType(version)},application/json`;
      const { headers, body } = await ask('/apis', { accept });
      expect(String(headers['content-type']).replace(/[ "]/g, '')).toContain(aggregatedType(version));
      expect(body).toMatchObject({ kind: 'APIGroupDiscoveryList', apiVersion: `apidiscovery.k8s.io/${version}` });
      expect(body.items[0].metadata.name).toBe('sample.binnacle.io');
      expect(body.items[0].versions[0]).toEqual({
        version: 'v1',
        freshness: 'Current',
        resources: [
          {
            resource: 'sampleroutes',
            responseKind: { group: 'sample.binnacle.io', version: 'v1', kind: 'SampleRoute' },
            scope: 'Namespaced',
            singularResource: 'sampleroute',
            verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
            shortNames: ['sr'],
            categories: ['all', 'rules'],
            subresources: [
              {
                subresource: 'status',
                responseKind: { group: 'sample.binnacle.io', version: 'v1', kind: 'SampleRoute' },
                verbs: ['get'],
              },
            ],
          },
        ],
      });
      expect((await ask('/api', { accept })).body.items[0]).toMatchObject({
        metadata: { name: '' },
        versions: [{ version: 'v1', resources: [{ resource: 'namespaces', scope: 'Cluster' }] }],
      });
    });
  }

  it('answers in the plain form if the client accepts it, and rejects unsupported forms', async () => {
    const accept = aggregatedType('v3');
    expect((await ask('/apis', { accept: `${accept},application/json` })).body.kind).toBe('APIGroupList');
    expect((await ask('/apis', { accept })).code).toBe(406);
  });

  it('answers 304 to a client that has the current answer', async () => {
    const first = await ask('/apis', { accept: aggregatedType('v2') });
    const etag = String(first.headers.etag);
    expect(await ask('/apis', { accept: aggregatedType('v2'), 'if-none-match': etag })).toMatchObject({ code: 304 });
    expect(await ask('/apis', { 'if-none-match': etag })).toMatchObject({ code: 200 });
  });

  it('reports a version that kubectl can compare with its own', async () => {
    const { body } = await ask('/version');
    expect(body).toMatchObject({ major: '1', minor: '37', gitVersion: 'v1.37.0+binnacle-1.2.3' });
  });
});
