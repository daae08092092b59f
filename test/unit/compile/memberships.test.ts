import { expect, test } from 'vitest';
import { createMemberships } from '../../../src/compile/world/memberships.ts';
import { hostname, serviceKey } from '../../../src/model/names.ts';
import { endpoint } from '../../support/model.ts';

const [a, b] = [serviceKey('default', hostname('a.x')), serviceKey('default', hostname('b.x'))];
const shared = '10.0.0.1';

test('an address serves every service that has an endpoint there, until its last one goes', () => {
  const memberships = createMemberships();
  const [one, two, other] = [endpoint(shared), endpoint(shared, { ports: { grpc: 9000 } }), endpoint('10.0.0.2')];
  const at = (address: string) => [...memberships.servicesAt(address)];
  memberships.replace(a, [], [one]);
  expect(at(shared)).toEqual([a]);
  memberships.replace(a, [one], []);
  expect(at(shared)).toEqual([]);
  memberships.replace(a, [], [one]);
  memberships.replace(a, [one], [one, two]);
  memberships.replace(b, [], [one, other]);
  expect(at(shared)).toEqual([a, b]);
  memberships.replace(a, [one, two], [two]);
  expect(at(shared)).toEqual([a, b]);
  memberships.replace(a, [two], []);
  expect(at(shared)).toEqual([b]);
  memberships.replace(b, [one, other], [other]);
  expect(at(shared)).toEqual([]);
  expect(at('10.0.0.2')).toEqual([b]);
});
