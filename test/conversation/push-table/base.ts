import { servedKinds } from '../../../src/rules/kinds/index.ts';
import { proxy } from '../../support/world.ts';

/** An object as a mesh directory has it. */
export interface MeshObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** The proxy of the table: the workload of the service `web`. */
export const web = proxy({
  id: 'sidecar~10.1.0.9~web.shop~shop.svc.cluster.local',
  name: 'web',
  namespace: 'shop',
  addresses: ['10.1.0.9'],
  labels: { app: 'web' },
  locality: 'r1/z1',
});

/** A rule of this kind, named `tested`; MeshConfig has the only name that it may have. */
export function rule(kind: string, spec: object, { name = 'tested', namespace = 'shop' } = {}): MeshObject {
  const known = servedKinds.find((it) => it.kind === kind);
  if (known === undefined) throw new Error(`there is no kind ${kind}`);
  const metadata = known.scope === 'cluster' ? { name: known.onlyName ?? name } : { name, namespace };
  return { apiVersion: `${known.group}/${known.versions[0]}`, kind, metadata, spec };
}

/** Returns the object with further labels and annotations, which nothing selects. */
export const labelled = (object: MeshObject): MeshObject => ({
  ...object,
  metadata: { ...object.metadata, labels: { team: 'a' }, annotations: { note: 'b' } },
});

export const service = (name: string, spec: object): MeshObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'shop' },
  spec,
});

/** An EndpointSlice with one port and endpoints at these addresses, each of the pod `pod-<address>`. */
export const slice = (
  name: string,
  port: { readonly name: string; readonly port: number },
  endpoints: readonly (string | { readonly address: string; readonly ready?: boolean; readonly nodeName?: string })[],
): MeshObject => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: `${name}-1`, namespace: 'shop', labels: { 'kubernetes.io/service-name': name } },
  addressType: 'IPv4',
  ports: [port],
  endpoints: endpoints.map((it) => {
    const { address, ready = true, nodeName } = typeof it === 'string' ? { address: it } : it;
    return {
      addresses: [address],
      conditions: { ready },
      targetRef: { kind: 'Pod', namespace: 'shop', name: `pod-${address}` },
      ...(nodeName === undefined ? {} : { nodeName }),
    };
  }),
});

export const pod = (address: string, labels: Readonly<Record<string, string>>): MeshObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `pod-${address}`, namespace: 'shop', labels },
  status: { phase: 'Running', podIP: address, conditions: [{ type: 'Ready', status: 'True' }] },
});

export const node = (name: string, zone: string): MeshObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { 'topology.kubernetes.io/region': 'r1', 'topology.kubernetes.io/zone': zone } },
});

/** Namespace `shop`: `web` (the proxy's own), `reviews` in two versions, `ratings`, the TCP service `db`, headless `cache`. */
export const base: readonly MeshObject[] = [
  node('node-1', 'z1'),
  node('node-2', 'z2'),
  service('web', { clusterIP: '10.96.0.1', ports: [{ name: 'http', port: 80, targetPort: 8080 }] }),
  slice('web', { name: 'http', port: 8080 }, ['10.1.0.9']),
  pod('10.1.0.9', { app: 'web' }),
  service('reviews', { clusterIP: '10.96.0.2', ports: [{ name: 'http', port: 9080 }] }),
  slice('reviews', { name: 'http', port: 9080 }, ['10.1.1.1', '10.1.1.2']),
  pod('10.1.1.1', { app: 'reviews', version: 'v1' }),
  pod('10.1.1.2', { app: 'reviews', version: 'v2' }),
  service('ratings', { clusterIP: '10.96.0.3', ports: [{ name: 'http', port: 9080 }] }),
  slice('ratings', { name: 'http', port: 9080 }, ['10.1.2.1']),
  service('db', { clusterIP: '10.96.0.4', ports: [{ name: 'tcp', port: 3306 }] }),
  slice('db', { name: 'tcp', port: 3306 }, ['10.1.3.1', '10.1.3.2']),
  service('cache', { clusterIP: 'None', ports: [{ name: 'tcp', port: 6379 }] }),
  slice('cache', { name: 'tcp', port: 6379 }, ['10.1.4.1']),
];

/** Returns the base with these objects; one of the same kind and name replaces that of the base. */
export function withBase(objects: readonly MeshObject[]): readonly MeshObject[] {
  const own = new Map(objects.map((object) => [keyOf(object), object]));
  return [
    ...base.map((object) => own.get(keyOf(object)) ?? object),
    ...objects.filter((object) => !base.some((it) => keyOf(it) === keyOf(object))),
  ];
}

const keyOf = ({ kind, metadata }: MeshObject): string => `${kind}/${metadata.namespace}/${metadata.name}`;
