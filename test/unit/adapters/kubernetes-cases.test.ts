import { describe, expect, test } from 'vitest';
import {
  endpointOf,
  interleavings,
  type KubernetesEvent,
  node,
  type PodFields,
  pod,
  put,
  removed,
  service,
  slice,
  type TestView,
  testView,
  viewHoldMs,
} from '../../support/kubernetes-view.ts';

/** Returns the view after events, one by one. Watches of different kinds are not ordered against each other. */
function worldAfter(...events: readonly KubernetesEvent[]): TestView {
  const world = testView();
  world.happen(...events);
  return world;
}

const [a, b, c] = ['10.1.0.1', '10.1.0.2', '10.1.0.3'];

describe('a StatefulSet that restarts with the old addresses taken over at once', () => {
  const old = [put(pod('web-0', { uid: 'u1', ip: a })), put(pod('web-1', { uid: 'u2', ip: b }))];
  const oldSlice = put(slice('web-1', [endpointOf('web-0', a, { uid: 'u1' }), endpointOf('web-1', b, { uid: 'u2' })]));
  const restarted = [
    removed(pod('web-0', { uid: 'u1', ip: a })),
    put(pod('web-0', { uid: 'u3', v: 'v2', metadata: { creationTimestamp: '2026-01-02T00:00:00Z' } })),
    put(pod('web-0', { uid: 'u3', v: 'v2', ip: b, metadata: { creationTimestamp: '2026-01-02T00:00:00Z' } })),
    removed(pod('web-1', { uid: 'u2', ip: b })),
    put(pod('web-1', { uid: 'u4', v: 'v3', ip: a, metadata: { creationTimestamp: '2026-01-02T00:00:00Z' } })),
  ];
  const newSlice = [
    put(slice('web-1', [endpointOf('web-0', b, { uid: 'u3' }), endpointOf('web-1', a, { uid: 'u4' })])),
  ];

  test("serves the slice's addresses with the new Pods' labels, whichever watch is first", () => {
    for (const events of interleavings(restarted, newSlice)) {
      const world = worldAfter(put(service('web')), ...old, oldSlice, ...events);
      expect(world.served()).toEqual({ web: [`${a} v3 http=8080`, `${b} v2 http=8080`] });
    }
  });

  test('never shows the labels of an earlier Pod at an address that its slice gives to a new one', () => {
    for (const events of interleavings(restarted, newSlice)) {
      const world = worldAfter(put(service('web')), ...old, oldSlice);
      for (const event of events.slice(events.indexOf(newSlice[0] as never))) {
        world.happen(event);
        expect(world.served().web?.filter((line) => line.includes('v1'))).toEqual([]);
      }
    }
  });

  test('gives a Pod that is known before its address its labels at once', () => {
    const world = worldAfter(put(service('web')), put(pod('web-0', { phase: 'Pending' })));
    world.happen(put(slice('web-1', [endpointOf('web-0', a)])));
    expect(world.served()).toEqual({ web: [`${a} v1 http=8080`] });
  });
});

describe('an endpoint that moves between two slices', () => {
  const [first, second] = [endpointOf('web-0', a), endpointOf('web-1', b)];
  const begin = [
    put(service('web')),
    put(pod('web-0', { ip: a })),
    put(pod('web-1', { ip: b })),
    put(slice('s1', [first, second])),
    put(slice('s2', [])),
  ];
  const both = { web: [`${a} v1 http=8080`, `${b} v1 http=8080`] };

  for (const { order, events } of [
    { order: 'added first', events: [put(slice('s2', [second])), put(slice('s1', [first]))] },
    { order: 'removed first', events: [put(slice('s1', [first])), put(slice('s2', [second]))] },
    { order: 'its slice deleted first', events: [removed(slice('s1', [])), put(slice('s2', [first, second]))] },
  ]) {
    test(`is served at every moment, and once: ${order}`, () => {
      const world = worldAfter(...begin);
      for (const event of events) {
        world.happen(event);
        expect(world.served()).toEqual(both);
      }
      world.pass(viewHoldMs);
      expect(world.served()).toEqual(both);
      expect(world.view.sizes().moving).toBe(0);
    });
  }

  test('has the port of the slice in which it arrives', () => {
    const world = worldAfter(...begin, put(slice('s1', [first])));
    world.happen(put(slice('s2', [second], { ports: { http: 9090 } })));
    expect(world.served()).toEqual({ web: [`${a} v1 http=8080`, `${b} v1 http=9090`] });
  });

  test('leaves if it arrives nowhere in time, without any further event', () => {
    const world = worldAfter(...begin, put(slice('s1', [first])));
    expect(world.view.nextMs()).toBe(world.clock.now() + viewHoldMs);
    world.pass(viewHoldMs - 1);
    expect(world.served()).toEqual(both);
    world.pass(1);
    expect(world.served()).toEqual({ web: [`${a} v1 http=8080`] });
    expect(world.view.nextMs()).toBeNull();
  });

  for (const { why, event } of [
    { why: 'its Pod is gone', event: removed(pod('web-1')) },
    {
      why: 'its Pod is being deleted',
      event: put(pod('web-1', { ip: b, metadata: { deletionTimestamp: '2026-01-02T00:00:00Z' } })),
    },
    { why: 'its Pod is not ready', event: put(pod('web-1', { ip: b, ready: false })) },
    { why: 'its Pod has failed', event: put(pod('web-1', { ip: b, phase: 'Failed' })) },
    { why: 'its Pod has another address', event: put(pod('web-1', { ip: c })) },
    { why: 'its Pod is selected no more', event: put(pod('web-1', { ip: b, app: 'debug' })) },
    { why: 'the selector changed', event: put(service('web', { selector: { app: 'web', v: 'v9' } })) },
  ]) {
    test(`is not on its way, and leaves at once, when ${why}`, () => {
      for (const events of interleavings([event], [put(slice('s1', [first]))])) {
        expect(worldAfter(...begin, ...events).served()).toEqual({ web: [`${a} v1 http=8080`] });
      }
    });
  }

  test('is not expected back where people write the slices, or where it was not called', () => {
    const manual = { addresses: [b] };
    const unready = endpointOf('web-1', b, { conditions: { ready: false } });
    for (const gone of [manual, unready]) {
      const world = worldAfter(...begin, put(slice('s1', [first, gone])), put(slice('s1', [first])));
      expect(world.served()).toEqual({ web: [`${a} v1 http=8080`] });
      expect(world.view.sizes().moving).toBe(0);
    }
    const selectorless = worldAfter(
      put(service('web', { selector: null })),
      ...begin.slice(1),
      put(slice('s1', [first])),
    );
    expect(selectorless.served()).toEqual({ web: [`${a} v1 http=8080`] });
  });
});

test('an address that two slices have is that of the Pod that has it now, and ready if one says so', () => {
  const stale = slice('s1', [endpointOf('web-0', a)]);
  const unready = slice('s2', [endpointOf('web-1', a, { conditions: { ready: false } })]);
  const ready = slice('s3', [endpointOf('web-1', a)]);
  for (const slices of interleavings([put(stale)], [put(unready)], [put(ready)])) {
    const world = worldAfter(put(service('web')), put(pod('web-1', { ip: a, v: 'v2' })), ...slices);
    expect(world.served()).toEqual({ web: [`${a} v2 http=8080`] });
  }
});

test('a Service that is deleted and made again keeps the new endpoints when its old slice goes last', () => {
  const oldSlice = slice('old', [endpointOf('web-0', a)]);
  const newSlice = slice('new', [endpointOf('web-1', b)]);
  const gone = [removed(pod('web-0', { ip: a }))];
  const pods = [put(pod('web-0', { ip: a })), put(pod('web-1', { ip: b }))];
  for (const events of interleavings(
    [removed(service('web')), put(service('web', {}, { uid: 'again' }))],
    [put(newSlice), removed(oldSlice)],
    gone,
  )) {
    const world = worldAfter(put(service('web')), ...pods, put(oldSlice), ...events);
    expect(world.served()).toEqual({ web: [`${b} v1 http=8080`] });
  }
});

test('a slice that is deleted after its Service leaves nothing, also when the Service comes again', () => {
  const own = slice('s1', [endpointOf('web-0', a)]);
  const world = worldAfter(
    put(service('web')),
    put(pod('web-0', { ip: a })),
    put(own),
    removed(service('web')),
    removed(own),
  );
  expect(world.served()).toEqual({});
  world.happen(put(service('web')));
  expect(world.served()).toEqual({ web: [] });
});

describe('a Pod that gets the address of an earlier one', () => {
  test("serves its own services only, and loses nothing when a finished Job's Pod of that address goes", () => {
    const job = (fields: PodFields) => pod('job', { ip: a, app: 'job', v: 'job', ...fields });
    const world = worldAfter(
      put(service('web')),
      put(job({})),
      put(job({ phase: 'Succeeded' })),
      put(pod('web-0', { ip: a })),
      put(slice('s1', [endpointOf('web-0', a)])),
      put(slice('named-by-nothing', [{ addresses: [a] }], { service: 'plain' })),
      put(service('plain', { selector: null })),
    );
    const want = { web: [`${a} v1 http=8080`], plain: [`${a} v1 http=8080`] };
    expect(world.served()).toEqual(want);
    world.happen(removed(job({ phase: 'Succeeded' })));
    expect(world.served()).toEqual(want);
    expect(world.workloads()).toEqual([`web-0 ${a}`]);
  });

  test('is found by its address while the earlier one is still listed, in either order', () => {
    const events = [
      [put(pod('old', { ip: a, v: 'old' }))],
      [put(pod('young', { ip: a, v: 'young', createdAt: '2026-01-02T00:00:00Z' }))],
    ];
    for (const order of interleavings(...events)) {
      const world = worldAfter(put(service('web')), put(slice('s1', [{ addresses: [a] }])), ...order);
      expect(world.served()).toEqual({ web: [`${a} young http=8080`] });
      world.happen(removed(pod('young')));
      expect(world.served()).toEqual({ web: [`${a} old http=8080`] });
    }
  });

  test('keeps its entry beside Pods on the host network, which share the address of their Node', () => {
    const world = worldAfter(
      put(service('web')),
      put(service('agent')),
      ...['agent-1', 'agent-2'].map((name) => put(pod(name, { ip: a, app: 'agent', v: name, hostNetwork: true }))),
      put(slice('s1', [endpointOf('agent-1', a), endpointOf('agent-2', a)], { service: 'agent' })),
      put(slice('s2', [endpointOf('agent-2', a)])),
    );
    expect(world.workloads()).toEqual([`agent-1 ${a}`, `agent-2 ${a}`]);
    world.happen(put(slice('s1', [endpointOf('agent-2', a)], { service: 'agent' })), removed(pod('agent-1')));
    expect(world.served()).toEqual({ agent: [`${a} agent-2 http=8080`], web: [`${a} agent-2 http=8080`] });
    expect(world.workloads()).toEqual([`agent-2 ${a}`]);
    world.happen(put(slice('s2', [{ addresses: [a] }])));
    expect(world.served().web).toEqual([`${a} http=8080`]); // nothing says which of the Pods there it is
  });
});

test('a headless Service whose Pods name target ports differently has every Pod on every port that it has', () => {
  const ports = [
    { name: 'http', port: 80, targetPort: 'web' },
    { name: 'grpc', port: 90, targetPort: 'rpc' },
  ];
  const world = worldAfter(
    put(service('web', { clusterIP: 'None', ports })),
    ...[a, b, c].map((ip, index) => put(pod(`web-${index}`, { ip }))),
    put(slice('s1', [endpointOf('web-0', a)], { ports: { http: 8080, grpc: 9090 } })),
    put(slice('s2', [endpointOf('web-1', b)], { ports: { http: 8081, grpc: 9091 } })),
    put(slice('s3', [endpointOf('web-2', c)], { ports: { http: 8080 } })),
  );
  expect(world.served()).toEqual({
    web: [`${a} v1 grpc=9090 http=8080`, `${b} v1 grpc=9091 http=8081`, `${c} v1 http=8080`],
  });
});

test('endpoints that terminate but serve are marked for the case that there are no others', () => {
  const going = endpointOf('web-0', a, { conditions: { ready: false, serving: true, terminating: true } });
  const world = worldAfter(put(service('web')), put(pod('web-0', { ip: a })), put(slice('s1', [going])));
  expect(world.served()).toEqual({ web: [`${a} v1 http=8080 draining`] });
});

test('publishNotReadyAddresses on one Service affects that one', () => {
  const unready = { ready: false, serving: false, terminating: false };
  const world = worldAfter(
    put(service('web')),
    put(service('peers', { clusterIP: 'None', publishNotReadyAddresses: true })),
    put(pod('web-0', { ip: a, ready: false })),
    put(slice('s1', [endpointOf('web-0', a, { conditions: unready })])),
    put(slice('s2', [endpointOf('web-0', a, { conditions: { ...unready, ready: true } })], { service: 'peers' })),
  );
  expect(world.served()).toEqual({ web: [], peers: [`${a} v1 http=8080`] });
});

for (const phase of ['Failed', 'Succeeded']) {
  test(`a Pod of phase ${phase}, as after an eviction, is no workload any more`, () => {
    const world = worldAfter(put(pod('web-0', { ip: a })));
    expect(world.workloads()).toEqual([`web-0 ${a}`]);
    world.happen(put(pod('web-0', { ip: a, phase })));
    expect(world.workloads()).toEqual([]);
  });
}

test('1,000 rounds of Pods and Services that come and go leave no index bigger', () => {
  const world = testView();
  const round = (index: number) => {
    const ip = `10.${index % 200}.${index >> 8}.9`;
    const hostPod = pod(`agent-${index}`, { ip, hostNetwork: true, node: `n${index}` });
    const own = pod(`web-${index}`, { ip: `10.250.${index >> 8}.${index % 256}`, node: `n${index}` });
    const endpoints = [endpointOf(`agent-${index}`, ip), { addresses: [`10.250.${index >> 8}.${index % 256}`] }];
    const entry = {
      apiVersion: 'networking.istio.io/v1',
      kind: 'ServiceEntry',
      metadata: { name: `entry-${index}`, namespace: 'shop' },
      spec: { hosts: [`h${index}.test`], workloadSelector: { labels: { app: 'web' } } },
    };
    const objects = [
      node(`n${index}`, 'z'),
      service(`web-${index}`),
      hostPod,
      own,
      slice(`s${index}`, endpoints, { service: `web-${index}` }),
      entry,
    ];
    world.happen(...objects.map(put), put({ ...hostPod, status: { phase: 'Running', podIP: '10.9.9.9' } }));
    world.happen(...(index % 2 === 0 ? objects : objects.toReversed()).map(removed));
    world.pass(viewHoldMs);
  };
  round(0);
  const empty = Object.fromEntries(Object.keys(world.view.sizes()).map((name) => [name, 0]));
  for (let index = 1; index <= 1_000; index++) round(index);
  expect(world.view.sizes()).toEqual(empty);
});

describe('events that change nothing', () => {
  for (const { what, object } of [
    { what: 'a heartbeat of a Node', object: node('n1', 'z', { conditions: [{ lastHeartbeatTime: 'later' }] }) },
    {
      what: 'a status of a Pod without news',
      object: pod('web-0', { ip: a, status: { message: 'restarted', qosClass: 'Burstable' } }),
    },
    {
      what: 'a timestamp on a slice',
      object: slice('s1', [endpointOf('web-0', a)], {
        metadata: {
          annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': 'now' },
          labels: { 'kubernetes.io/service-name': 'web' },
        },
      }),
    },
    { what: 'an annotation of a Service', object: service('web', {}, { annotations: { note: 'mine' } }) },
  ]) {
    test(`${what} is told as unchanged, and to nobody`, () => {
      const world = worldAfter(
        put(node('n1', 'z')),
        put(service('web')),
        put(pod('web-0', { ip: a })),
        put(slice('s1', [endpointOf('web-0', a)])),
      );
      world.takeChangeCount();
      expect(world.happen(put(object))).toEqual([]);
      expect(world.takeChangeCount()).toBe(0);
    });
  }
});

describe('an entry that is wrong is told of, and the rest stands:', () => {
  const good = [put(service('web')), put(pod('web-0', { ip: a })), put(slice('s1', [endpointOf('web-0', a)]))];
  for (const { what, event, problem, served } of [
    {
      what: 'a slice without a service',
      event: put(slice('s2', [endpointOf('web-1', b)], { metadata: { labels: {} } })),
      problem: /needs kubernetes.io\/service-name/,
      served: { web: [`${a} v1 http=8080`] },
    },
    {
      what: 'a slice that lost its service',
      event: put(slice('s1', [endpointOf('web-0', a)], { metadata: { labels: {} } })),
      problem: /needs kubernetes.io\/service-name/,
      served: { web: [] },
    },
    {
      what: 'an address twice in one slice',
      event: put(slice('s1', [endpointOf('web-0', a), endpointOf('web-0', a), { addresses: [b] }])),
      problem: /10.1.0.1 is listed twice/,
      served: { web: [`${a} v1 http=8080`, `${b} http=8080`] },
    },
    {
      what: 'an invalid annotation',
      event: put(service('web', {}, { annotations: { 'networking.istio.io/exportTo': 'shop, No Namespace' } })),
      problem: /'No Namespace' is no namespace/,
      served: { web: [`${a} v1 http=8080`] },
    },
    {
      what: 'a service without a selector is none of these',
      event: put(service('web', { selector: null })),
      problem: null,
      served: { web: [`${a} v1 http=8080`] },
    },
  ]) {
    test(what, () => {
      const world = worldAfter(...good);
      const problems = world.happen(event);
      if (problem === null) expect(problems).toEqual([]);
      else expect(problems).toEqual([expect.stringMatching(problem)]);
      if (what.includes('lost')) world.pass(viewHoldMs);
      expect(world.served()).toEqual(served);
    });
  }
});
