import { expect, test } from 'vitest';
import { createFeed } from '../../../src/push/feed.ts';
import { ruleBook } from '../../../src/rules/book/rule-book.ts';
import { ruleKinds } from '../../../src/rules/kinds/index.ts';
import { defaultMeshConfig } from '../../../src/rules/mesh-config.ts';
import { createServiceEntryIndex } from '../../../src/rules/service-entries/index.ts';
import { endpoint, rawObject } from '../../support/model.ts';
import { contents, testRegistry } from '../../support/registry.ts';
import { compiledWorld, endpointsOf, service } from '../../support/world.ts';

const orders = service('orders', { selector: { labels: { app: 'orders' }, targetPorts: { http: 8080 } } });
const name = 'outbound|80||orders.default.svc.cluster.local';
const machine = rawObject('WorkloadEntry', 'vm', { address: '10.7.0.1', labels: { app: 'orders' } });

for (const first of ['service', 'workload'] as const) {
  test(`a platform's service calls its Pods and the WorkloadEntries that it selects, the ${first} being known first`, () => {
    const { registry } = testRegistry();
    const shard = registry.shard('k8s', 'kubernetes', { savesSnapshot: false });
    const feed = createFeed({
      registry,
      book: ruleBook({ kinds: ruleKinds, mesh: defaultMeshConfig }),
      serviceEntries: createServiceEntryIndex(),
      serviceEntryShard: registry.shard('service-entries', 'service-entry', { savesSnapshot: false }),
    });
    shard.replace(contents({}));
    feed.start(() => {});
    const world = compiledWorld();
    const addresses = () => {
      world.apply(...feed.take());
      return [...JSON.stringify(world.json('endpoint', name)).matchAll(/"address":"([\d.]+)"/g)].map(([, it]) => it);
    };
    const putService = () =>
      shard.apply([
        { type: 'service', service: orders },
        { type: 'endpoints', set: endpointsOf(orders, [endpoint('10.8.0.1')]) },
      ]);
    const putMachine = () => shard.apply([{ type: 'object', object: machine }]);
    for (const put of first === 'service' ? [putService, putMachine] : [putMachine, putService]) {
      put();
      world.apply(...feed.take());
    }
    expect(addresses()).toEqual(['10.7.0.1', '10.8.0.1']);
    shard.apply([{ type: 'object-removed', kind: 'WorkloadEntry', namespace: 'default', name: 'vm' }]);
    expect(addresses()).toEqual(['10.8.0.1']);
    feed.stop();
  });
}
