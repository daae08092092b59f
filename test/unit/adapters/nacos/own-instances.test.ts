import { expect, test } from 'vitest';
import { createOwnInstances } from '../../../../adapters/nacos/writer/own-instances.ts';
import { fakeClock } from '../../../support/fake-clock.ts';

const orders = { namespace: 'public', group: 'G', name: 'orders' };
const instance = (ip: string) => ({
  ...{ ip, port: 80, weight: 1, healthy: true, enabled: true, clusterName: 'DEFAULT', metadata: {} },
});

function start() {
  const clock = fakeClock();
  const own = createOwnInstances({ clock, holdMs: 15_000 });
  const told: string[] = [];
  const follow = (namespace = 'public') =>
    own.follow(namespace, ({ name }, instances) => {
      told.push([name, ...instances.map(({ ip }) => ip)].join(' '));
    });
  return { clock, own, told, follow };
}

test('what was accepted is held for a while, also for those who follow later', () => {
  const { clock, own, told, follow } = start();
  own.accepted(orders, [instance('10.0.0.1')]);
  own.accepted({ ...orders, namespace: 'other' }, [instance('10.0.0.9')]);
  follow();
  own.accepted(orders, [instance('10.0.0.1'), instance('10.0.0.2')]);
  clock.advance(14_999);
  expect(told).toEqual(['orders 10.0.0.1', 'orders 10.0.0.1 10.0.0.2']);
  clock.advance(1);
  expect(told.at(-1)).toBe('orders');
});

test('what the server has lost is held until it is accepted again', () => {
  const { clock, own, told, follow } = start();
  follow();
  own.accepted(orders, [instance('10.0.0.1')]);
  clock.advance(20_000);
  own.lost();
  clock.advance(3_600_000);
  expect(told).toEqual(['orders 10.0.0.1', 'orders', 'orders 10.0.0.1']);
  own.accepted(orders, [instance('10.0.0.1')]);
  clock.advance(15_000);
  expect(told.at(-1)).toBe('orders');
});

test('what was deregistered is held no longer', () => {
  const { clock, own, told, follow } = start();
  follow();
  own.accepted(orders, [instance('10.0.0.1')]);
  own.accepted(orders, []);
  own.lost();
  clock.advance(15_000);
  expect(told).toEqual(['orders 10.0.0.1', 'orders']);
});
