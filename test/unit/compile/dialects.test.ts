import { describe, expect, test } from 'vitest';
import { createCompiler } from '../../../src/compile/compiler.ts';
import type { Dialect } from '../../../src/compile/dialect.ts';
import { dialects } from '../../../src/compile/dialects.ts';
import { layerKinds } from '../../../src/compile/layer-kinds.ts';
import type { ClientKind } from '../../../src/model/proxy.ts';
import { endpoint } from '../../support/model.ts';
import { compiledWorld, endpointsOf, proxy, rule, service } from '../../support/world.ts';

/* A kind of client that there is not: a dialect and its line in the list are all that adding one takes. */

/** Calls names as gRPC clients do, knows no timeouts, and wants its clusters with a mark. */
const example: Dialect = {
  ...dialects.envoy,
  isProxy: false,
  hasFilterChains: false,
  assignmentForm: 'plain',
  narrow: (plan) => ({
    ...plan,
    problems: [...plan.problems, { origin: `service/default/${plan.host}`, message: 'example clients see it' }],
  }),
  cluster: (plan) => ({ ...dialects.envoy.cluster(plan), altStatName: 'example' }),
  outboundFixed: () => ({ clusters: [], listeners: [] }),
  inboundClusters: () => [],
  serverListeners: ({ ports }) => ports.map(({ targetPort }) => ({ name: `example-${targetPort}`, apiListener: {} })),
};

const kind = 'example' as ClientKind; // the kind would be added to the union
const worldWith = () =>
  compiledWorld(createCompiler({ kinds: layerKinds('coarse', { ...dialects, [kind]: example }) }));
const cart = service('cart');
const client = proxy({ client: kind });

describe('a dialect that is added to the list', () => {
  test('writes the whole configuration of its clients', () => {
    const world = worldWith();
    world.apply(cart, endpointsOf(cart, [endpoint('10.9.9.9', { ports: { http: 8080 } })]));
    expect(world.names('cluster', client)).toEqual([`outbound|80||${cart.hostname}`]);
    expect(world.json('cluster', `outbound|80||${cart.hostname}`, client)).toMatchObject({ altStatName: 'example' });
    expect(world.names('listener', client)).toContain('example-8080');
    expect(world.names('listener', client)).toContain(`${cart.hostname}:80`);
    expect(world.names('listener', client)).not.toContain('virtualOutbound');
    expect(world.problems()[`service/default/${cart.hostname}`]).toEqual(['example clients see it']);
  });

  test('does not change the configuration of other clients, which share the rest', () => {
    const world = worldWith();
    const alone = compiledWorld();
    const changes = [
      cart,
      rule('DestinationRule', 'd', { host: 'cart', subsets: [{ name: 'v1', labels: { v: '1' } }] }),
    ];
    world.apply(...changes);
    world.names('cluster', client);
    alone.apply(...changes);
    for (const type of ['cluster', 'listener', 'route'] as const) {
      const versions = (of: typeof world) => [...of.table(type).values()].map(({ name, version }) => [name, version]);
      expect(versions(world)).toEqual(versions(alone));
    }
  });
});
