import { readKubernetesObject } from '../../adapters/kubernetes/translate-object.ts';
import { createKubernetesView, type KubernetesView, problemOf } from '../../adapters/kubernetes/translate-view.ts';
import type { Endpoint, Workload } from '../../src/model/endpoint.ts';
import type { RegistryChange } from '../../src/registry/contract.ts';
import { type FakeClock, fakeClock } from './fake-clock.ts';
import { contents, testRegistry } from './registry.ts';

/** Event of a watch of one kind. */
export interface KubernetesEvent {
  readonly type: 'put' | 'removed';
  readonly object: TestObject;
}

export interface TestObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

export const put = (object: TestObject): KubernetesEvent => ({ type: 'put', object });
export const removed = (object: TestObject): KubernetesEvent => ({ type: 'removed', object });

/** View of a cluster and the registry behind it, fed with single events as watches bring them. */
export interface TestView {
  readonly clock: FakeClock;
  readonly view: KubernetesView;
  /** Takes events one by one, each published by itself. Returns the problems of those that have one. */
  happen(...events: readonly KubernetesEvent[]): readonly string[];
  /** Advances time and publishes what is due. */
  pass(ms: number): void;
  /** Endpoints that may be called, by service: `10.1.0.1 v1 http=8080`. The label is `v`. */
  served(): Readonly<Record<string, readonly string[]>>;
  /** Names and addresses of workloads. */
  workloads(): readonly string[];
  /** Everything that the registry has, in one order. */
  contents(): object;
  /** Number of changes that were told to the registry since the last call. */
  takeChangeCount(): number;
  /** Changes of the merged registry since the last call, for a compiler. */
  takeMerged(): readonly RegistryChange[];
}

export const viewHoldMs = 2_000;

export function testView(): TestView {
  const clock = fakeClock();
  const facts = { domainSuffix: 'cluster.local', cluster: 'c1', network: '' };
  const view = createKubernetesView(facts, { now: clock.now, holdMs: viewHoldMs });
  const { registry } = testRegistry();
  const sink = registry.shard('kubernetes', 'kubernetes');
  const workloads = new Map<string, Workload>();
  let changed = 0;
  let merged: readonly RegistryChange[] = [];
  sink.replace(contents({}));

  function publish(): void {
    const changes = view.takeChanges();
    changed += changes.length;
    sink.apply(changes);
    for (const change of changes) {
      if (change.type === 'workload') workloads.set(change.workload.name, change.workload);
      if (change.type === 'workload-removed') workloads.delete(change.name);
    }
    merged = [...merged, ...registry.takeChanges()];
  }

  return {
    clock,
    view,
    happen(...events) {
      return events.flatMap(({ type, object }) => {
        const problem = type === 'put' ? putInto(view, object) : removeFrom(view, object);
        publish();
        return problem ?? [];
      });
    },
    pass(ms) {
      clock.advance(ms);
      publish();
    },
    served() {
      const services = [...registry.services()].map(({ name, namespace, hostname }) => {
        const set = registry.endpoints(`${namespace}/${hostname}` as never); // the key's own form
        return [name, (set?.endpoints ?? []).filter(isServed).map(lineOf).sort()] as const;
      });
      return Object.fromEntries(services.sort());
    },
    workloads: () => [...workloads].map(([name, { addresses }]) => `${name} ${addresses.join()}`).sort(),
    contents: () => ({
      services: Object.fromEntries([...registry.services()].map((service) => [service.hostname, service])),
      endpoints: Object.fromEntries([...registry.endpointShards()].map(({ set }) => [set.hostname, set.endpoints])),
      workloads: Object.fromEntries(workloads),
    }),
    takeChangeCount() {
      const count = changed;
      changed = 0;
      return count;
    },
    takeMerged() {
      const taken = merged;
      merged = [];
      return taken;
    },
  };
}

function putInto(view: KubernetesView, object: TestObject): string | null {
  const read = readKubernetesObject(object, `${object.kind} ${object.metadata.name}`);
  return read.ok ? problemOf(view.put(read.value)) : read.error;
}

function removeFrom(view: KubernetesView, object: TestObject): null {
  const read = readKubernetesObject(object, '');
  if (!read.ok) throw new Error(read.error);
  view.remove(read.value);
  return null;
}

const isServed = ({ health }: Endpoint): boolean => health === 'healthy' || health === 'draining';

const lineOf = ({ address, labels, ports, health }: Endpoint): string =>
  [
    address,
    ...(labels.v === undefined ? [] : [labels.v]),
    ...Object.entries(ports)
      .map(([name, port]) => `${name}=${port}`)
      .sort(),
    ...(health === 'healthy' ? [] : [health]),
  ].join(' ');

const namespace = 'shop';

/** Service that selects `app` with its name. */
export const service = (name: string, spec: object = {}, metadata: object = {}): TestObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace, creationTimestamp: '2026-01-01T00:00:00Z', ...metadata },
  spec: { clusterIP: '10.96.0.1', selector: { app: name }, ports: [{ name: 'http', port: 80 }], ...spec },
});

export interface PodFields {
  readonly ip?: string;
  readonly uid?: string;
  readonly app?: string;
  /** Label `v`. */
  readonly v?: string;
  readonly phase?: string;
  readonly ready?: boolean;
  readonly hostNetwork?: boolean;
  readonly node?: string;
  readonly createdAt?: string;
  readonly metadata?: object;
  readonly status?: object;
}

export function pod(name: string, fields: PodFields = {}): TestObject {
  const {
    ip,
    uid = name,
    app = 'web',
    v = 'v1',
    phase = 'Running',
    ready = true,
    hostNetwork = false,
    node = 'n1',
  } = fields;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      uid,
      labels: { app, v },
      creationTimestamp: fields.createdAt ?? '2026-01-01T00:00:00Z',
      ...fields.metadata,
    },
    spec: { nodeName: node, hostNetwork },
    status: {
      phase,
      ...(ip === undefined ? {} : { podIP: ip, podIPs: [{ ip }] }),
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
      ...fields.status,
    },
  };
}

export interface SliceFields {
  readonly service?: string;
  readonly ports?: Readonly<Record<string, number>>;
  readonly metadata?: object;
}

/** Slice `name` of the service `web`. */
export const slice = (name: string, endpoints: readonly object[], fields: SliceFields = {}): TestObject => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name, namespace, labels: { 'kubernetes.io/service-name': fields.service ?? 'web' }, ...fields.metadata },
  addressType: 'IPv4',
  endpoints,
  ports: Object.entries(fields.ports ?? { http: 8080 }).map(([portName, port]) => ({ name: portName, port })),
});

type Conditions = Readonly<Partial<Record<'ready' | 'serving' | 'terminating', boolean>>>;

/** Endpoint of a Pod; `uid` is by default its name. */
export const endpointOf = (
  podName: string,
  ip: string,
  { uid = podName, conditions = { ready: true } }: { uid?: string; conditions?: Conditions } = {},
) => ({ addresses: [ip], conditions, nodeName: 'n1', targetRef: { kind: 'Pod', namespace, name: podName, uid } });

export const node = (name: string, zone: string, status: object = {}): TestObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { 'topology.kubernetes.io/region': 'r', 'topology.kubernetes.io/zone': zone } },
  status,
});

/** Returns every merge of lists that keeps the order of each. */
export function interleavings<T>(...lists: readonly (readonly T[])[]): readonly (readonly T[])[] {
  const open = lists.filter((list) => list.length > 0);
  if (open.length === 0) return [[]];
  return open.flatMap((list, index) =>
    interleavings(...open.with(index, list.slice(1))).map((rest) => [...list.slice(0, 1), ...rest]),
  );
}
