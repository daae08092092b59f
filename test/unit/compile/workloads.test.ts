import { expect, test } from 'vitest';
import { createWorkloads } from '../../../src/compile/world/workloads.ts';
import { hostname, serviceKey } from '../../../src/model/names.ts';
import { endpoint } from '../../support/model.ts';

const [a, b] = [serviceKey('default', hostname('a.x')), serviceKey('default', hostname('b.x'))];
const shared = '10.0.0.1';

test('an address serves every service with an endpoint there, until its last endpoint is removed', () => {
  const workloads = createWorkloads(() => true);
  const [one, two, other] = [endpoint(shared), endpoint(shared, { ports: { grpc: 9000 } }), endpoint('10.0.0.2')];
  const at = (address: string) => [...new Set(workloads.at(address).map(({ service }) => service))];
  workloads.replace(a, [], [one]);
  expect(at(shared)).toEqual([a]);
  workloads.replace(a, [one], []);
  expect(at(shared)).toEqual([]);
  workloads.replace(a, [], [one]);
  workloads.replace(a, [one], [one, two]);
  workloads.replace(b, [], [one, other]);
  expect(at(shared)).toEqual([a, b]);
  workloads.replace(a, [one, two], [two]);
  expect(at(shared)).toEqual([a, b]);
  workloads.replace(a, [two], []);
  expect(at(shared)).toEqual([b]);
  workloads.replace(b, [one, other], [other]);
  expect(at(shared)).toEqual([]);
  expect(at('10.0.0.2')).toEqual([b]);
});
