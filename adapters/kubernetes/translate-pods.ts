import { isDeepStrictEqual } from 'node:util';
import type { ShardChange } from '../../src/adapter-contract/adapter.ts';
import { addTo, removeFrom } from '../../src/lib/sets-by-key.ts';
import type { RawObject } from '../../src/model/object.ts';
import type { PodBody, SliceEndpoint } from './schema.ts';
import {
  type ClusterFacts,
  podLocality,
  podWorkload,
  type Read,
  type TranslatedPod,
  translatePod,
} from './translate.ts';

type Metadata = RawObject['metadata'];

/** Pods, joined with the locality of their Nodes. */
export interface PodIndex {
  /** Returns whether anything changed that is used: the status of a Pod is written often. */
  putPod(pod: Read<PodBody>): boolean;
  removePod(metadata: Metadata): void;
  /** Sets the locality of a Node; null: it is gone. Returns whether it changed. */
  setNode(name: string, locality: string | null): boolean;
  /**
   * Returns the Pod of an endpoint. A slice names it with its uid, because a StatefulSet gives a name again; a slice
   * without a name is joined by address.
   */
  podOf(endpoint: SliceEndpoint, namespace: string): TranslatedPod | undefined;
  localityOf(node: string): string;
  takeChanges(): readonly ShardChange[];
  /** Number of entries in each index. */
  sizes(): Readonly<Record<string, number>>;
}

/** `changed` is called with what endpoints depend on: `pod/<namespace>/<name>`, `ip/<address>`, `node/<name>`. */
export function createPodIndex(cluster: ClusterFacts, changed: (dependency: string) => void): PodIndex {
  const pods = new Map<string, TranslatedPod>();
  /** Names of the Pods that have an address of their own, by address. There are several while one takes over from another. */
  const byAddress = new Map<string, Set<string>>();
  const byNode = new Map<string, Set<string>>();
  const nodes = new Map<string, string>();
  const pending = new Map<string, ShardChange>();
  const localityOf = (node: string | null | undefined): string => nodes.get(node ?? '') ?? '';

  function replace(key: string, pod: TranslatedPod | undefined): boolean {
    const before = pods.get(key);
    if (isDeepStrictEqual(before, pod)) return false;
    if (before !== undefined) unlist(key, before);
    if (pod === undefined) pods.delete(key);
    else {
      pods.set(key, pod);
      list(key, pod);
    }
    changed(`pod/${key}`);
    for (const address of new Set([...ownAddresses(before), ...ownAddresses(pod)])) changed(`ip/${address}`);
    noteWorkload(key, before, pod);
    return true;
  }

  function list(key: string, pod: TranslatedPod): void {
    for (const address of ownAddresses(pod)) addTo(byAddress, address, key);
    if (pod.node !== '') addTo(byNode, pod.node, key);
  }

  function unlist(key: string, pod: TranslatedPod): void {
    for (const address of ownAddresses(pod)) removeFrom(byAddress, address, key);
    if (pod.node !== '') removeFrom(byNode, pod.node, key);
  }

  function noteWorkload(key: string, before: TranslatedPod | undefined, pod: TranslatedPod | undefined): void {
    const workload = pod === undefined ? null : podWorkload(pod);
    const former = before === undefined ? null : podWorkload(before);
    if (workload !== null) {
      if (!isDeepStrictEqual(former, workload)) pending.set(key, { type: 'workload', workload });
    } else if (former !== null) {
      const { namespace, name } = former;
      pending.set(key, { type: 'workload-removed', namespace, name });
    }
  }

  /** Returns the Pod that has an address: the youngest, because the others are about to be reported gone. */
  function podAt(address: string): TranslatedPod | undefined {
    const found = [...(byAddress.get(address) ?? [])].flatMap((key) => pods.get(key) ?? []);
    return found.sort((a, b) => b.createdAtMs - a.createdAtMs || (podKey(a) < podKey(b) ? -1 : 1))[0];
  }

  return {
    putPod: (pod) => replace(podKey(pod.metadata), translatePod(pod, localityOf(pod.body.spec.nodeName), cluster)),
    removePod: (metadata) => void replace(podKey(metadata), undefined),
    setNode(name, locality) {
      if ((nodes.get(name) ?? null) === locality) return false;
      if (locality === null) nodes.delete(name);
      else nodes.set(name, locality);
      for (const key of [...(byNode.get(name) ?? [])]) {
        const pod = pods.get(key);
        if (pod !== undefined) replace(key, { ...pod, locality: podLocality(pod.labels, localityOf(name)) });
      }
      changed(`node/${name}`);
      return true;
    },
    podOf(endpoint, namespace) {
      const { targetRef, addresses } = endpoint;
      if (targetRef?.kind !== 'Pod') return podAt(addresses[0] ?? '');
      const pod = pods.get(`${targetRef.namespace ?? namespace}/${targetRef.name}`);
      return targetRef.uid && pod?.uid && targetRef.uid !== pod.uid ? undefined : pod;
    },
    localityOf,
    takeChanges() {
      const changes = [...pending.values()];
      pending.clear();
      return changes;
    },
    sizes: () => ({
      pods: pods.size,
      podAddresses: byAddress.size,
      podNodes: byNode.size,
      nodes: nodes.size,
      pendingWorkloads: pending.size,
    }),
  };
}

/** Returns the addresses that no other Pod has: not those of an ended Pod or of a Pod on the host network. */
const ownAddresses = (pod: TranslatedPod | undefined): readonly string[] =>
  pod === undefined || pod.hasEnded || pod.isOnHostNetwork ? [] : pod.addresses;

const podKey = ({ namespace, name }: Pick<Metadata, 'namespace' | 'name'>): string => `${namespace}/${name}`;
