import { expect, test } from 'vitest';
import { domainsOf } from '../../../src/compile/resolve/domains.ts';
import { service } from '../../support/world.ts';

test('domains are computed once per kind of client, and dropped when unused', () => {
  const a = service('a');
  const clients = { domainFor: () => 'default.svc.cluster.local' };
  const first = domainsOf(a, clients);
  expect(domainsOf(a, clients)).toBe(first);
  for (let index = 0; index < 1_000; index++) domainsOf(a, clients, [`other-${index}.example.com`]);
  expect(domainsOf(a, clients)).toEqual(first);
  expect(domainsOf(a, clients)).not.toBe(first);
});
