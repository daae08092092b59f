import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { servedKinds } from '../../../src/rules/kinds/index.ts';
import type { RuleStatuses } from '../../../src/rules/status.ts';
import { mergeType, rulesServer } from '../../support/rules-server.ts';

const list = '/apis/networking.istio.io/v1/namespaces/default/virtualservices';
const object = (host: string) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'v' },
  spec: { hosts: ['a'], http: [{ route: [{ destination: { host } }] }] },
});

let asked: unknown[];
let api: ReturnType<typeof rulesServer>;
beforeEach(async () => {
  asked = [];
  // Only the methods that this test uses.
  const statuses = {
    of: ({ metadata }: { metadata: { generation: number } }) => {
      asked.push(metadata.generation);
      return { observedGeneration: metadata.generation };
    },
    subscribe: () => () => {},
  } as unknown as RuleStatuses;
  api = rulesServer({ kinds: servedKinds, statuses });
  await api.send('POST', list, { body: object('a') });
  asked = [];
});
afterEach(() => api.close());

describe('a dry run changes neither status nor store', () => {
  for (const { name, sent, status } of [
    {
      name: 'of a creation',
      sent: () => api.send('POST', `${list}?dryRun=All`, { body: { ...object('b'), metadata: { name: 'w' } } }),
      status: undefined,
    },
    {
      name: 'of an update',
      sent: () => api.send('PUT', `${list}/v?dryRun=All`, { body: object('b') }),
      status: { observedGeneration: 1 },
    },
    {
      name: 'of a patch',
      sent: () => api.send('PATCH', `${list}/v?dryRun=All`, { headers: mergeType, body: { spec: { hosts: ['b'] } } }),
      status: { observedGeneration: 1 },
    },
  ]) {
    it(name, async () => {
      const before = await api.store.list('VirtualService');
      const { code, body } = await sent();
      expect(code).toBeLessThan(300);
      expect(body.status).toEqual(status);
      expect(asked.every((generation) => generation === 1)).toBe(true);
      expect(await api.store.list('VirtualService')).toEqual(before);
    });
  }

  it('of a rejected write leaves no audit entry, whether requested by URL or by options', async () => {
    const entries = async () => (await api.store.audit({ limit: 100 })).items.length;
    const before = await entries();
    await api.send('PUT', `${list}/none?dryRun=All`, { body: { ...object('b'), metadata: { name: 'none' } } });
    await api.send('DELETE', `${list}/none`, { body: { kind: 'DeleteOptions', apiVersion: 'v1', dryRun: ['All'] } });
    expect(await entries()).toBe(before);
  });
});
