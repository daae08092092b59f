import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Workload } from '../../src/model/endpoint.ts';
import { serviceKey } from '../../src/model/names.ts';
import type { Service } from '../../src/model/service.ts';
import type { Rule } from '../../src/rules/rule.ts';
import { comparePrecedence, ruleId } from '../../src/rules/rule.ts';
import { createServiceEntryIndex, type ServiceEntryIndex } from '../../src/rules/service-entries/index.ts';
import { service, workload } from '../support/model.ts';
import { runs } from '../support/property-runs.ts';
import { contents, testRegistry } from '../support/registry.ts';
import { rule, ruleIdOf } from '../support/rules.ts';

type Step =
  | { readonly do: 'rule'; readonly rule: Rule }
  | { readonly do: 'remove'; readonly id: string }
  | { readonly do: 'workload'; readonly workload: Workload }
  | { readonly do: 'workload-removed'; readonly workload: Workload }
  | { readonly do: 'service'; readonly service: Service }
  | { readonly do: 'service-removed'; readonly service: Service };

const few = (...values: readonly string[]) => fc.constantFrom(...values);
const labels = fc.dictionary(few('app', 'v'), few('1', '2'), { maxKeys: 2 });
const place = fc.record({
  namespace: few('n1', 'n2'),
  creationTimestamp: few('2026-01-01T00:00:00Z', '2025-01-01T00:00:00Z'),
});

const entry = fc
  .record({
    name: few('e1', 'e2', 'e3'),
    place,
    hosts: fc.uniqueArray(few('a.x', 'b.x', 'c.x'), { minLength: 1 }),
    how: fc.oneof(
      fc.record({ resolution: fc.constant('STATIC'), workloadSelector: fc.record({ labels }) }),
      fc.record({
        resolution: fc.constant('STATIC'),
        endpoints: fc.array(fc.record({ address: few('10.0.0.1', '10.0.0.2'), labels })),
      }),
      fc.record({ resolution: few('DNS', 'NONE') }),
    ),
    ports: fc.uniqueArray(fc.record({ name: few('http', 'grpc', 'http-web'), number: fc.constantFrom(80, 90) }), {
      selector: ({ number }) => number,
      minLength: 1,
    }),
  })
  .map(
    ({ name, place: where, hosts, how, ports }): Step => ({
      do: 'rule',
      rule: rule('ServiceEntry', name, { hosts, ports: distinctNames(ports), ...how }, where),
    }),
  );

interface Port {
  readonly name: string;
  readonly number: number;
}

/** Ports of one entry have different names. */
const distinctNames = ([first, second]: readonly Port[]): readonly Port[] =>
  [first, second].flatMap((port) => port ?? []).filter((port) => port === first || port.name !== first?.name);

const machine = fc.record({ name: few('w1', 'w2', 'w3'), place, address: few('10.1.0.1', '10.1.0.2'), labels }).map(
  ({ name, place: where, address, labels: own }): Step => ({
    do: 'rule',
    rule: rule('WorkloadEntry', name, { address, labels: own, ports: { web: 81 } }, where),
  }),
);

const pod = fc
  .record({ name: few('p1', 'p2'), namespace: few('n1', 'n2'), address: few('10.2.0.1', '10.2.0.2'), labels })
  .map(({ name, namespace, address, labels: own }) => workload(name, { namespace, addresses: [address], labels: own }));

const platformService = fc
  .record({
    namespace: few('n1', 'n2'),
    host: few('a.x', 'd.x'),
    selector: fc.option(labels),
    port: few('http', 'web'),
  })
  .map(({ namespace, host, selector, port }) =>
    service(host, {
      namespace,
      registry: 'kubernetes',
      ...(selector === null ? {} : { selector: { labels: selector, targetPorts: { http: port } } }),
    }),
  );

const step = fc.oneof(
  entry,
  machine,
  fc.record({ do: fc.constantFrom('service' as const, 'service-removed' as const), service: platformService }),
  fc.record({
    do: fc.constant('remove' as const),
    id: fc
      .tuple(few('ServiceEntry', 'WorkloadEntry'), few('n1', 'n2'), few('e1', 'e2', 'w1', 'w2'))
      .map((parts) => parts.join('/')),
  }),
  fc.record({ do: fc.constant('workload' as const), workload: pod }),
  fc.record({ do: fc.constant('workload-removed' as const), workload: pod }),
);

function follow(index: ServiceEntryIndex, { ...next }: Step): void {
  if (next.do === 'rule') index.ruleChanged(next.rule);
  else if (next.do === 'remove') index.ruleRemoved(ruleIdOf(next.id));
  else if (next.do === 'service') index.serviceChanged(next.service);
  else if (next.do === 'service-removed') index.serviceRemoved(keyOf(next.service));
  else if (next.do === 'workload') index.workloadChanged('k8s', next.workload);
  else index.workloadRemoved('k8s', next.workload.namespace, next.workload.name);
}

const keyOf = ({ namespace, hostname }: Service) => serviceKey(namespace, hostname);

/** The last word of each rule and workload, as one who starts now would read them. */
function last(steps: readonly Step[]): readonly Step[] {
  const words = new Map<string, Step>();
  for (const next of steps) {
    const id =
      next.do === 'rule'
        ? ruleId(next.rule)
        : next.do === 'remove'
          ? next.id
          : next.do === 'service' || next.do === 'service-removed'
            ? `service/${keyOf(next.service)}`
            : `pod/${next.workload.namespace}/${next.workload.name}`;
    words.delete(id);
    if (next.do === 'rule' || next.do === 'workload' || next.do === 'service') words.set(id, next);
  }
  return [...words.values()].reverse();
}

type Entry = Rule<string, { hosts: string[]; resolution: string; ports: Port[] }>;

/** Problems of these rules, found by reading all of them: parts that an older ServiceEntry contradicts. */
function contradicted(rules: readonly Rule[]): Readonly<Record<string, readonly string[]>> {
  const entries = rules.filter(({ kind }) => kind === 'ServiceEntry') as Entry[]; // made above
  const problems = entries.map((entry): [string, string[]] => {
    const messages = entry.spec.hosts.flatMap((host) => {
      const rivals = entries.filter((other) => isRival(other, entry, host)).sort(comparePrecedence);
      const [oldest = entry] = rivals;
      const say = (what: string, older: Entry) =>
        `${entry.metadata.namespace}/${host}: ${what} differs from that of the older ${ruleId(older)}, which applies`;
      if (oldest.spec.resolution !== entry.spec.resolution) return [say('resolution', oldest)];
      const agreeing = rivals.filter(({ spec }) => spec.resolution === oldest.spec.resolution);
      return entry.spec.ports.flatMap((port) => {
        const owner = agreeing.find(({ spec }) => spec.ports.some(({ number }) => number === port.number)) ?? entry;
        const owned = owner.spec.ports.find(({ number }) => number === port.number);
        return owned === undefined || protocol(owned) === protocol(port)
          ? []
          : [say(`the protocol of port ${port.number}`, owner)];
      });
    });
    return [ruleId(entry), messages];
  });
  return Object.fromEntries(problems.filter(([, messages]) => messages.length > 0));
}

const protocol = ({ name }: Port): string | undefined => name.split('-')[0];

const isRival = (other: Entry, entry: Rule, host: string): boolean =>
  other.metadata.namespace === entry.metadata.namespace && other.spec.hosts.includes(host);

test('after any history, services and endpoints equal those of a fresh start', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.nat(5), (steps, every) => {
      const grown = testRegistry().registry;
      const grownSink = grown.shard('service-entry', 'service-entry');
      grownSink.replace(contents({}));
      const incremental = createServiceEntryIndex();
      for (const [at, next] of steps.entries()) {
        follow(incremental, next);
        if (at % (every + 1) === 0) grownSink.apply(incremental.takeChanges());
      }
      grownSink.apply(incremental.takeChanges());

      const fresh = testRegistry().registry;
      const rebuilt = createServiceEntryIndex();
      for (const next of last(steps)) follow(rebuilt, next);
      const freshSink = fresh.shard('service-entry', 'service-entry');
      freshSink.replace(contents({}));
      freshSink.apply(rebuilt.takeChanges());

      for (const registry of [grown, fresh]) registry.takeChanges();
      const world = ({ services, endpoints, endpointShards }: typeof grown) => ({
        services: [...services()]
          .map((service) => [service, endpoints(`${service.namespace}/${service.hostname}` as never)])
          .sort(byText),
        shards: [...endpointShards()].sort(byText),
      });
      expect(world(grown)).toEqual(world(fresh));
      const rules = last(steps).flatMap((next) => (next.do === 'rule' ? [next.rule] : []));
      expect(Object.fromEntries(incremental.problems())).toEqual(contradicted(rules));
      for (const id of rules.map(ruleId)) {
        expect(incremental.problemsOf(id)).toEqual(contradicted(rules)[id] ?? []);
        expect([...incremental.servicesOf(id)].sort()).toEqual([...rebuilt.servicesOf(id)].sort());
      }
    }),
    { numRuns: runs(400) },
  );
});

const byText = (a: unknown, b: unknown): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
