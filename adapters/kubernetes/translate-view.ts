import { parseDocument } from 'yaml';
import type { ShardChange } from '../../src/adapter-contract/adapter.ts';
import { err, ok, type Result } from '../../src/lib/result.ts';
import type { RawObject } from '../../src/model/object.ts';
import { configMapBody, podBody, type SliceBody, serviceBody, sliceBody } from './schema.ts';
import { annotationFault, type ClusterFacts, nodeLocality, type Read } from './translate.ts';
import { sliceFault } from './translate-endpoints.ts';
import { createMoves } from './translate-moves.ts';
import { describeIssues, type KubernetesObject, objectKey } from './translate-object.ts';
import { createPodIndex } from './translate-pods.ts';
import { createServiceIndex, serviceOfSlice } from './translate-services.ts';

/** View of one platform's Kubernetes objects as a shard. Changes only mark; `takeChanges` translates what is marked. */
export interface KubernetesView {
  /** Adds or replaces an object. An error gives the reason for its rejection; the earlier object of that name stays. */
  put(object: KubernetesObject): Result<Accepted, string>;
  remove(object: Pick<KubernetesObject, 'kind' | 'apiVersion' | 'metadata'>): void;
  takeChanges(): readonly ShardChange[];
  /** Returns when `takeChanges` has changes although nothing was put or removed, in milliseconds; null if never. */
  nextMs(): number | null;
  /** Number of entries in each index. */
  sizes(): Readonly<Record<string, number>>;
}

/** Effect of an accepted object. */
export interface Accepted {
  /** `unchanged`: nothing that is used differs. `ignored`: objects of this kind have no effect. */
  readonly effect: 'changed' | 'unchanged' | 'ignored';
  /** Part of the object that is wrong and left out; null if there is none. */
  readonly problem: string | null;
}

/** Returns the problem of an object that was put, or null. */
export const problemOf = (result: Result<Accepted, string>): string | null =>
  result.ok ? result.value.problem : result.error;

export interface KubernetesViewOptions {
  /** Time in milliseconds since the Unix epoch. Needed with `holdMs`. */
  readonly now?: () => number;
  /**
   * Longest time for which a ready endpoint stays that is in no slice of its Service any more, because it may be moving
   * to another one. Default 0, for objects that are read together.
   */
  readonly holdMs?: number;
}

/** API groups of rules and mesh configuration, whose objects are passed on unchanged. */
const ruleGroups = [
  'networking.istio.io',
  'security.istio.io',
  'telemetry.istio.io',
  'extensions.istio.io',
  'mesh.binnacle.dev',
];

/** Reports whether an object is a rule or mesh configuration. */
export const isRule = ({ apiVersion }: Pick<KubernetesObject, 'apiVersion'>): boolean =>
  ruleGroups.includes(apiVersion.split('/')[0] ?? '');

const isMeshConfig = ({ kind, metadata }: Pick<KubernetesObject, 'kind' | 'metadata'>): boolean =>
  kind === 'ConfigMap' && metadata.name === 'istio';

/** Kinds that are ignored without a report, because they have no effect on the mesh. */
const ignoredKinds = ['ConfigMap', 'Namespace'];

export function createKubernetesView(cluster: ClusterFacts, options: KubernetesViewOptions = {}): KubernetesView {
  const { now = () => 0, holdMs = 0 } = options;
  const moves = holdMs > 0 ? createMoves(now, holdMs) : null;
  const pods = createPodIndex(cluster, (dependency) => services.changed(dependency));
  const services = createServiceIndex(cluster, pods, moves);
  const pending = new Map<string, ShardChange>();

  function putObject(object: RawObject): Result<Accepted, string> {
    pending.set(objectKey(object), { type: 'object', object });
    return accepted(true);
  }

  function putSlice({ metadata, body }: Read<SliceBody>): Result<Accepted, string> {
    const service = serviceOfSlice(metadata);
    if (service === null) {
      services.removeSlice(metadata); // it may have had one before
      return err('metadata.labels: needs kubernetes.io/service-name with the name of its Service');
    }
    return accepted(services.putSlice(service, { metadata, body }), sliceFault(body));
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
          return accepted(services.putService({ metadata, body: parsed.data }), annotationFault(metadata));
        }
        case 'EndpointSlice': {
          const parsed = sliceBody.safeParse(body);
          return parsed.success ? putSlice({ metadata, body: parsed.data }) : err(describeIssues(parsed.error));
        }
        case 'Pod': {
          const parsed = podBody.safeParse(body);
          if (!parsed.success) return err(describeIssues(parsed.error));
          return accepted(pods.putPod({ metadata, body: parsed.data }));
        }
        case 'Node':
          return accepted(pods.setNode(metadata.name, nodeLocality(metadata)));
        default:
          return ignoredKinds.includes(kind)
            ? ok({ effect: 'ignored', problem: null })
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
      else if (kind === 'Node') pods.setNode(metadata.name, null);
      else if (kind === 'Pod') pods.removePod(metadata);
    },
    takeChanges() {
      const changes = [...services.takeChanges(), ...pods.takeChanges(), ...pending.values()];
      pending.clear();
      return changes;
    },
    nextMs: () => moves?.nextMs() ?? null,
    sizes: () => ({ ...services.sizes(), ...pods.sizes(), pendingObjects: pending.size }),
  };
}

const accepted = (isChanged: boolean, problem: string | null = null): Result<Accepted, string> =>
  ok({ effect: isChanged ? 'changed' : 'unchanged', problem });

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
