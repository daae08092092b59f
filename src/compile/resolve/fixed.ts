import type { OutboundFixedPlan } from '../../plan/layer.ts';
import type { UnknownHosts } from '../../plan/route.ts';
import { durationMs } from '../../rules/duration.ts';
import type { MeshConfig } from '../../rules/mesh-config.ts';
import type { ScopeFacts } from '../scope-key.ts';

/** Plans the configuration of a scope that does not depend on services. */
export function outboundFixedPlan(
  { role, interception, families }: ScopeFacts,
  mesh: MeshConfig,
  unknownHosts: UnknownHosts,
): OutboundFixedPlan {
  const isCaptured = role === 'sidecar' && interception !== 'none';
  return {
    unknownHosts,
    connectTimeoutMs: durationMs(mesh.connectTimeout),
    captured: isCaptured ? { families, transparent: interception === 'tproxy' } : null,
  };
}
