import { parseDocument } from 'yaml';
import type { ShardChange } from '../../src/adapter-contract/adapter.ts';
import { err, ok, type Result } from '../../src/lib/result.ts';
import type { Workload } from '../../src/model/endpoint.ts';
import type { RawObject } from '../../src/model/object.ts';
import { configMapBody, podBody, type SliceEndpoint, serviceBody, sliceBody } from './schema.ts';
import { type ClusterFacts, nodeLocality, type Read, translatePod } from './translate.ts';
import { describeIssues, type KubernetesObject, objectKey } from './translate-object.ts';
import { createServiceIndex } from './translate-services.ts';

/** View of one platform's Kubernetes objects as a shard. Changes only mark; `takeChanges` translates what is marked. */
export interface KubernetesView {
  /** Adds or replaces an object. An error gives the reason for its rejection; the earlier object of that name stays. */
  put(object: KubernetesObject): Result<'accepted' | 'ignored', string>;
  remove(object: Pick<KubernetesObject, 'kind' | 'apiVersion' | 'metadata'>): void;
  takeChanges(): readonly ShardChange[];
}

/** API groups of rules and mesh configuration, whose objects are passed on unchanged. */
const ruleGroups = [
  'networking.istio.io',
  'security.istio.io',
  'telemetry.istio.io',
  'extensions.istio.io',
  'mesh.binnacle.dev',
];

const isRule = ({ apiVersion }: Pick<KubernetesObject, 'apiVersion'>): boolean =>
  ruleGroups.includes(apiVersion.split('/')[0] ?? '');

const isMeshConfig = ({ kind, metadata }: Pick<KubernetesObject, 'kind' | 'metadata'>): boolean =>
  kind === 'ConfigMap' && metadata.name === 'istio';

/** Kinds that are ignored without a report, because they have no effect on the mesh. */
const ignoredKinds = ['ConfigMap', 'Namespace'];

export function createKubernetesView(cluster: ClusterFacts): KubernetesView {
  const pods = new Map<string, Workload>();
  const podsByAddress = new Map<string, Workload>();
  const podBodies = new Map<string, { pod: Read<ReturnType<typeof podBody.parse>> }>();
  const nodes = new Map<string, string>();
  const pending = new Map<string, ShardChange>();
  const services = createServiceIndex(cluster, { podOf, localityOf: (node) => nodes.get(node) ?? '' });

  function podOf({ targetRef, addresses: [address = ''] }: SliceEndpoint, namespace: string): Workload | undefined {
    if (targetRef?.kind === 'Pod') return pods.get(`${targetRef.namespace ?? namespace}/${targetRef.name}`);
    return podsByAddress.get(address);
  }

  function putPod({ metadata, body }: KubernetesObject): Result<'accepted', string> {
    const parsed = podBody.safeParse(body);
    if (!parsed.success) return err(describeIssues(parsed.error));
    podBodies.set(podKey(metadata), { pod: { metadata, body: parsed.data } });
    translateOne(podKey(metadata));
    return ok('accepted');
  }

  function translateOne(key: string): void {
    const pod = podBodies.get(key)?.pod;
    if (pod === undefined) return;
    const workload = translatePod(pod, nodes.get(pod.body.spec.nodeName ?? '') ?? '', cluster);
    forgetPod(pod.metadata);
    if (workload === null) return;
    pods.set(key, workload);
    // A Pod on the host network shares its address with others.
    if (pod.body.spec.hostNetwork !== true) for (const ip of workload.addresses) podsByAddress.set(ip, workload);
    services.podChanged(workload.namespace, workload.addresses);
    pending.set(`Pod/${key}`, { type: 'workload', workload });
  }

  function forgetPod({ namespace, name }: RawObject['metadata']): void {
    const key = `${namespace}/${name}`;
    const known = pods.get(key);
    if (known === undefined) return;
    pods.delete(key);
    for (const ip of known.addresses) if (podsByAddress.get(ip) === known) podsByAddress.delete(ip);
    services.podChanged(namespace, known.addresses);
    pending.set(`Pod/${key}`, { type: 'workload-removed', namespace, name });
  }

  function setNode(name: string, locality: string | null): void {
    if ((nodes.get(name) ?? null) === locality) return; // a heartbeat
    if (locality === null) nodes.delete(name);
    else nodes.set(name, locality);
    for (const [key, { pod }] of podBodies) if (pod.body.spec.nodeName === name) translateOne(key);
    services.nodeChanged(name);
  }

  function putObject(object: RawObject): Result<'accepted', string> {
    pending.set(objectKey(object), { type: 'object', object });
    return ok('accepted');
  }

  return {
    put(object) {
      const { kind, metadata, body } = object;
      if (isRule(object)) return putObject(ruleOf(object));
      if (isMeshConfig(object)) {
        const mesh = meshConfigOf(object);
        return mesh.ok ? putObject(mesh.value) : mesh;
      }
      switch (kind) {
        case 'Service': {
          const parsed = serviceBody.safeParse(body);
          if (!parsed.success) return err(describeIssues(parsed.error));
          services.putService({ metadata, body: parsed.data });
          return ok('accepted');
        }
        case 'EndpointSlice': {
          const parsed = sliceBody.safeParse(body);
          if (!parsed.success) return err(describeIssues(parsed.error));
          return services.putSlice({ metadata, body: parsed.data });
        }
        case 'Pod':
          return putPod(object);
        case 'Node':
          setNode(metadata.name, nodeLocality(metadata));
          return ok('accepted');
        default:
          return ignoredKinds.includes(kind)
            ? ok('ignored')
            : err(`objects of kind ${kind} are not read; it has no effect here`);
      }
    },
    remove(object) {
      const { kind, metadata } = object;
      if (isRule(object) || isMeshConfig(object)) {
        const removed = isRule(object) ? kind : 'MeshConfig';
        const { namespace, name } = metadata;
        pending.set(`${removed}/${namespace}/${name}`, { type: 'object-removed', kind: removed, namespace, name });
      } else if (kind === 'Service') services.removeService(metadata);
      else if (kind === 'EndpointSlice') services.removeSlice(metadata);
      else if (kind === 'Node') setNode(metadata.name, null);
      else if (kind === 'Pod') {
        podBodies.delete(podKey(metadata));
        forgetPod(metadata);
      }
    },
    takeChanges() {
      const changes = [...services.takeChanges(), ...pending.values()];
      pending.clear();
      return changes;
    },
  };
}

const podKey = ({ namespace, name }: RawObject['metadata']): string => `${namespace}/${name}`;

const ruleOf = ({ apiVersion, kind, metadata, body, origin }: KubernetesObject): RawObject => ({
  apiVersion,
  kind,
  metadata,
  spec: body.spec ?? {},
  origin,
});

/** Reads the mesh configuration from Istio's ConfigMap `istio`: YAML in `data.mesh`. */
function meshConfigOf({ metadata, body, origin }: KubernetesObject): Result<RawObject, string> {
  const parsed = configMapBody.safeParse(body);
  if (!parsed.success) return err(describeIssues(parsed.error));
  const document = parseDocument(parsed.data.data?.mesh ?? '');
  const [mistake] = document.errors;
  if (mistake !== undefined) return err(`data.mesh is not YAML: ${mistake.message.split('\n')[0]}`);
  const spec: unknown = document.toJS({ maxAliasCount: 100 }) ?? {};
  return ok({ apiVersion: 'mesh.istio.io/v1alpha1', kind: 'MeshConfig', metadata, spec, origin });
}
