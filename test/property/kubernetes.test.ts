import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  endpointOf,
  type KubernetesEvent,
  node,
  pod,
  put,
  removed,
  service,
  slice,
  testView,
  viewHoldMs,
} from '../support/kubernetes-view.ts';
import { runs } from '../support/property-runs.ts';

const few = <T>(...values: readonly T[]) => fc.constantFrom(...values);
const addresses = few('10.1.0.1', '10.1.0.2', '10.1.0.3');
const podNames = few('p1', 'p2', 'p3');
const uids = few('u1', 'u2');
const nodes = few('n1', 'n2');
const often = fc.integer({ min: 0, max: 4 }).map((roll) => roll > 0);

/** Whether an object is put or removed, most often put. */
const eventOf = (object: fc.Arbitrary<KubernetesEvent['object']>): fc.Arbitrary<KubernetesEvent> =>
  fc.tuple(object, often).map(([it, isPut]) => (isPut ? put(it) : removed(it)));

const services = eventOf(
  fc
    .record({
      name: few('web', 'api'),
      spec: few<object>(
        {},
        { clusterIP: 'None', publishNotReadyAddresses: true },
        { selector: null },
        { selector: { app: 'web' }, ports: [{ name: 'http', port: 81 }] },
        { type: 'ExternalName', externalName: 'api.example' },
      ),
    })
    .map(({ name, spec }) => service(name, spec)),
);

const endpoint = fc
  .record({ name: podNames, ip: addresses, uid: uids, isNamed: often, ready: often, serving: fc.boolean() })
  .map(({ name, ip, uid, isNamed, ready, serving }) => {
    const conditions = { ready, serving, terminating: !ready };
    return isNamed ? endpointOf(name, ip, { uid, conditions }) : { addresses: [ip], conditions, nodeName: 'n2' };
  });

const slices = eventOf(
  fc
    .record({
      name: few('s1', 's2', 's3'),
      owner: few('web', 'web', 'web', 'api', ''),
      port: few(8080, 8080, 9090),
      endpoints: fc.array(endpoint, { maxLength: 4 }),
    })
    .map(({ name, owner, port, endpoints }) => slice(name, endpoints, { service: owner, ports: { http: port } })),
);

const pods = eventOf(
  fc
    .record({
      name: podNames,
      ip: fc.option(addresses, { nil: undefined, freq: 6 }),
      uid: uids,
      app: few('web', 'web', 'api'),
      v: few('v1', 'v2'),
      phase: few('Running', 'Running', 'Failed'),
      ready: often,
      hostNetwork: few(false, false, true),
      node: nodes,
      createdAt: few('2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'),
      isDeleted: few(false, false, true),
    })
    .map(({ name, ip, isDeleted, ...fields }) =>
      pod(name, {
        ...fields,
        ...(ip === undefined ? {} : { ip }),
        metadata: isDeleted ? { deletionTimestamp: '2026-01-03T00:00:00Z' } : {},
      }),
    ),
);

const nodeEvents = eventOf(fc.record({ name: nodes, zone: few('a', 'b') }).map(({ name, zone }) => node(name, zone)));

/** The events of all watches as they arrive. One drawn list has every interleaving: no watch waits for another. */
const history = fc.array(fc.oneof(services, slices, slices, pods, pods, nodeEvents), { maxLength: 30 });

/** Objects that are left, as a list has them. */
function left(events: readonly KubernetesEvent[]): readonly KubernetesEvent[] {
  const objects = new Map<string, KubernetesEvent>();
  for (const event of events) {
    const key = `${event.object.kind}/${event.object.metadata.name}`;
    objects.delete(key);
    if (event.type === 'put') objects.set(key, event);
  }
  return [...objects.values()];
}

test('whatever order the watches of a cluster bring their events in, a fresh list gives the same', () => {
  fc.assert(
    fc.property(history, fc.infiniteStream(fc.nat(viewHoldMs)), fc.boolean(), (events, pauses, isReversed) => {
      const grown = testView();
      for (const event of events) {
        grown.happen(event);
        grown.pass(pauses.next().value ?? 0);
      }
      grown.pass(viewHoldMs);
      const fresh = testView();
      const listed = left(events);
      fresh.happen(...(isReversed ? listed.toReversed() : listed));
      expect(grown.contents()).toEqual(fresh.contents());
      expect(grown.view.sizes()).toEqual(fresh.view.sizes());
    }),
    { numRuns: runs(300) },
  );
});

test('an endpoint that some slice of its service has is never absent, and only one that its Pod justifies is added', () => {
  fc.assert(
    fc.property(history, (events) => {
      const grown = testView();
      for (const [index, event] of events.entries()) {
        grown.happen(event);
        const fresh = testView();
        fresh.happen(...left(events.slice(0, index + 1)));
        for (const [name, lines] of Object.entries(fresh.served())) {
          expect(grown.served()[name]).toEqual(expect.arrayContaining([...lines]));
        }
      }
    }),
    { numRuns: runs(100) },
  );
});
