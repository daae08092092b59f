import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { servedKinds } from '../../../src/rules/kinds/index.ts';
import { rulesServer } from '../../support/rules-server.ts';
import { meshOfTwo } from '../../support/status-mesh.ts';

const rules = '/apis/networking.istio.io/v1/namespaces/default';
let api: ReturnType<typeof rulesServer>;
beforeEach(async () => {
  const mesh = await meshOfTwo();
  api = rulesServer({ kinds: servedKinds, unresolved: mesh.findings.unresolved });
});
afterEach(() => api.close());

const virtualService = (destination: object, more: object = {}) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'v' },
  spec: { hosts: ['a'], http: [{ route: [{ destination }] }], ...more },
});
const destinationRule = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: { name: 'd' },
  spec: { host: 'a', subsets: [{ name: 'v1', labels: { version: 'v1' } }] },
};
const warningsOf = (response: { headers: Record<string, unknown> }): readonly string[] =>
  [response.headers.warning ?? []].flat().map((text) => String(text).replace(/^299 - "(.*)"$/, '$1'));

const path = 'spec.http[0].route[0].destination';

describe('a rule with an unresolved reference is stored with a warning', () => {
  for (const { name, object, warning } of [
    {
      name: 'host',
      object: virtualService({ host: 'ghost' }),
      warning: `${path}: there is no service ghost.default.svc.cluster.local`,
    },
    {
      name: 'subset',
      object: virtualService({ host: 'a', subset: 'v9' }),
      warning: `${path}: a.default.svc.cluster.local has no subset v9`,
    },
    {
      name: 'port',
      object: virtualService({ host: 'a', port: { number: 81 } }),
      warning: `${path}: a.default.svc.cluster.local has no port 81`,
    },
    {
      name: 'gateway',
      object: virtualService({ host: 'a' }, { gateways: ['mesh', 'edge'] }),
      warning: 'spec.gateways[1]: there is no Gateway default/edge',
    },
  ]) {
    it(`for a ${name}: created, updated, patched, in a dry run, in a batch, imported`, async () => {
      const list = `${rules}/virtualservices`;
      expect(warningsOf(await api.send('POST', `${list}?dryRun=All`, { body: object }))).toEqual([warning]);
      const created = await api.send('POST', list, { body: object });
      expect([created.code, warningsOf(created)]).toEqual([201, [warning]]);
      expect(warningsOf(await api.send('PUT', `${list}/v`, { body: object }))).toEqual([warning]);
      const patch = {
        headers: { 'content-type': 'application/merge-patch+json' },
        body: { metadata: { labels: { a: 'b' } } },
      };
      expect(warningsOf(await api.send('PATCH', `${list}/v`, patch))).toEqual([warning]);
      const batch = { kind: 'List', apiVersion: 'v1', items: [object] };
      for (const url of ['/rules/v1/batch', '/rules/v1/import']) {
        expect(warningsOf(await api.send('POST', url, { body: batch }))).toEqual([
          `items[0] (VirtualService v): ${warning}`,
        ]);
      }
      const rolledBack = await api.send('POST', `${list}/v/rollback`, { body: {} });
      expect([rolledBack.code, warningsOf(rolledBack)]).toEqual([200, [warning]]);
    });
  }

  it('objects of one batch may refer to each other, even in a dry run', async () => {
    const batch = {
      kind: 'List',
      apiVersion: 'v1',
      items: [virtualService({ host: 'a', subset: 'v1' }), destinationRule],
    };
    for (const url of ['/rules/v1/batch?dryRun=All', '/rules/v1/batch']) {
      expect(warningsOf(await api.send('POST', url, { body: batch }))).toEqual([]);
    }
  });

  it('resolved references cause no warning', async () => {
    expect(
      warningsOf(await api.send('POST', `${rules}/virtualservices`, { body: virtualService({ host: 'b' }) })),
    ).toEqual([]);
  });
});
