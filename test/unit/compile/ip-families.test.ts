import { describe, expect, test } from 'vitest';
import { endpoint } from '../../support/model.ts';
import { compiledWorld, endpointsOf, proxy, service } from '../../support/world.ts';

/** Listeners of a proxy with these addresses: `name: address`, further addresses after a `+`. */
function listeners(addresses: readonly string[]) {
  const world = compiledWorld();
  const web = service('web');
  world.apply(web, endpointsOf(web, [endpoint('10.1.0.1'), endpoint('fd00::1')]));
  const of = proxy({ addresses });
  return world.names('listener', of).map((name) => {
    const { address, additionalAddresses = [] } = world.json('listener', name, of) as unknown as ListenerJson; // its schema
    const others = additionalAddresses.map((other) => ` + ${other.address.socketAddress.address}`);
    return `${name}: ${address.socketAddress.address}${others.join('')}`;
  });
}
type AddressJson = { readonly socketAddress: { readonly address: string } };
type ListenerJson = {
  readonly address: AddressJson;
  readonly additionalAddresses?: readonly { readonly address: AddressJson }[];
};

/** The addresses from which the proxy connects to its workload. */
function inboundSource(addresses: readonly string[]) {
  const world = compiledWorld();
  return world.json('cluster', 'InboundPassthroughCluster', proxy({ addresses })).upstreamBindConfig;
}

describe('a captured workload', () => {
  test('with IPv4 gets IPv4 listeners', () => {
    expect(listeners(['10.1.0.1'])).toEqual([
      '0.0.0.0_80: 0.0.0.0',
      'virtualInbound: 0.0.0.0',
      'virtualOutbound: 0.0.0.0',
    ]);
    expect(inboundSource(['10.1.0.1'])).toEqual({ sourceAddress: { address: '127.0.0.6', portValue: 0 } });
  });

  test('with IPv6 only gets IPv6 listeners, because Envoy finds no IPv4 listener for its traffic', () => {
    expect(listeners(['fd00::1'])).toEqual(['::_80: ::', 'virtualInbound: ::', 'virtualOutbound: ::']);
    expect(inboundSource(['fd00::1'])).toEqual({ sourceAddress: { address: '::6', portValue: 0 } });
  });

  test('with both gets listeners on both, with the names of IPv4', () => {
    expect(listeners(['fd00::1', '10.1.0.1'])).toEqual([
      '0.0.0.0_80: 0.0.0.0 + ::',
      'virtualInbound: 0.0.0.0 + ::',
      'virtualOutbound: 0.0.0.0 + ::',
    ]);
    expect(inboundSource(['10.1.0.1', 'fd00::1'])).toEqual({
      sourceAddress: { address: '127.0.0.6', portValue: 0 },
      extraSourceAddresses: [{ address: { address: '::6', portValue: 0 } }],
    });
  });

  test('that is not captured gets listeners on 127.0.0.1 for any addresses', () => {
    const world = compiledWorld();
    world.apply(service('web'));
    expect(world.names('listener', proxy({ addresses: ['fd00::1'], interception: 'none' }))).toEqual(['127.0.0.1_80']);
  });
});
