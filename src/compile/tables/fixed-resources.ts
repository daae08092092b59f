import type { RouteConfigurationPlan } from '../../plan/route.ts';
import type { EncodedResource } from '../../proto/resource.ts';
import { durationMs } from '../../rules/duration.ts';
import type { MeshConfig } from '../../rules/mesh-config.ts';
import { blackHoleCluster, passthroughCluster } from '../generators/clusters.ts';
import { virtualOutbound } from '../generators/listeners.ts';
import type { ScopeFacts } from '../scope-key.ts';
import { type Shelves, takeCluster, takeListener } from './host-parts.ts';
import type { Shelved } from './shelf.ts';

export interface FixedContext {
  readonly facts: ScopeFacts;
  readonly unknownHosts: RouteConfigurationPlan['unknownHosts'];
  readonly mesh: MeshConfig;
}

export interface FixedResources {
  readonly clusters: readonly Shelved<EncodedResource>[];
  readonly listeners: readonly Shelved<EncodedResource>[];
}

/** What every scope has whatever services there are: where unknown traffic goes. The caller releases it. Throws, and holds nothing, when Envoy would reject it. */
export function fixedResources({ facts, unknownHosts, mesh }: FixedContext, shelves: Shelves): FixedResources {
  if (facts.client === 'grpc') return { clusters: [], listeners: [] }; // has nothing that it was not told of by name
  const clusters = [blackHoleCluster, passthroughCluster(durationMs(mesh.connectTimeout))];
  const isCaptured = facts.role === 'sidecar' && facts.interception !== 'none';
  const catchAll = unknownHosts === 'forward' ? 'PassthroughCluster' : 'BlackHoleCluster';
  const { families } = facts;
  const transparent = facts.interception === 'tproxy';
  const listeners = isCaptured ? [virtualOutbound(catchAll, { families, transparent, client: facts.client })] : [];
  const held: Shelved<EncodedResource>[] = [];
  try {
    for (const json of clusters) held.push(takeCluster(json, shelves));
    return { clusters: held, listeners: listeners.map((json) => takeListener(json, shelves)) };
  } catch (error) {
    for (const cluster of held) shelves.clusters.release(cluster);
    throw error;
  }
}
