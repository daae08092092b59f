import { describe, expect, it } from 'vitest';
import { simulate } from '../../../src/simulator/simulate.ts';
import { callTo, listenerOn, resources, tcpChain } from '../../support/simulated.ts';

const toCluster = (name: string) => [tcpChain(name)];

describe('the listener of an outbound call', () => {
  const listeners = [
    listenerOn('0.0.0.0', 15_001, toCluster('catch-all'), { useOriginalDst: true }),
    listenerOn('0.0.0.0', 80, toCluster('port')),
    listenerOn('10.0.0.1', 80, toCluster('address')),
    listenerOn('::', 80, toCluster('ipv6')),
  ];

  for (const { title, address, port, want } of [
    { title: 'is that of its address and port', address: '10.0.0.1', port: 80, want: '10.0.0.1_80' },
    { title: 'is that of its port if none has its address', address: '10.0.0.9', port: 80, want: '0.0.0.0_80' },
    { title: 'is of the family of its address', address: 'fd00::1', port: 80, want: '::_80' },
    { title: 'is the capturing one if none has its port', address: '10.0.0.1', port: 81, want: '0.0.0.0_15001' },
  ]) {
    it(title, () => {
      expect(simulate(resources({ listeners }), callTo({ address, port })).listener).toBe(want);
    });
  }

  it('is that of an additional address', () => {
    const second = { address: { socketAddress: { address: 'fd00::7', portValue: 80 } } };
    const listener = listenerOn('10.0.0.7', 80, toCluster('both'), { additionalAddresses: [second] });

    expect(simulate(resources({ listeners: [listener] }), callTo({ address: 'fd00:0::7' })).listener).toBe(
      '10.0.0.7_80',
    );
  });

  it('does not exist if nothing listens on the port', () => {
    const { outcome } = simulate(resources({ listeners: listeners.slice(1) }), callTo({ port: 81 }));

    expect(outcome).toEqual({
      type: 'error',
      error: 'no-listener',
      reason: 'no listener for 10.0.0.1 and port 81',
    });
  });
});

it('captured inbound calls stay with the capturing listener', () => {
  const listeners = [listenerOn('0.0.0.0', 80, toCluster('port')), listenerOn('0.0.0.0', 15_006, toCluster('in'))];

  expect(simulate(resources({ listeners }), callTo({ direction: 'inbound' })).listener).toBe('0.0.0.0_15006');
});

it('a call of a gateway needs a listener that binds its port', () => {
  const listeners = [listenerOn('0.0.0.0', 15_001, toCluster('catch-all'), { useOriginalDst: true })];

  const { outcome } = simulate(resources({ listeners }), callTo({ direction: 'gateway', address: '' }));

  expect(outcome).toMatchObject({ error: 'no-listener' });
});
