import type { InboundPort } from '../../plan/listener.ts';
import type { PortPolicy } from '../../rules/kinds/destination-rule/policy-schema.ts';
import { portPolicy } from '../../rules/kinds/destination-rule/resolve.ts';
import { resolveLimits } from '../../rules/kinds/destination-rule/resolve-connections.ts';
import { inboundPool } from '../../rules/kinds/sidecar/resolve.ts';
import { ruleId } from '../../rules/rule.ts';
import type { WorldReader } from '../world/world-reader.ts';
import type { InboundContext, PortOfService } from './inbound-services.ts';
import { findDestinationRule, type RuleClients } from './visibility.ts';

/**
 * Returns the connection limits of an inbound port: those of the Sidecar's port, then of the whole Sidecar, then of the
 * service's DestinationRule. A server needs the capacity that its clients have. Other policies of DestinationRules do
 * not concern servers, and rules with a workload selector concern clients only.
 */
export function resolveInboundLimits(
  { facts, sidecar, world }: InboundContext,
  { targetPort, found }: { readonly targetPort: number; readonly found: PortOfService | null },
): Pick<InboundPort, 'limits' | 'keepsProtocol' | 'limitOrigins'> {
  const pool = sidecar === null ? undefined : inboundPool(sidecar.spec, targetPort);
  if (sidecar !== null && pool !== undefined) return limitsOf(pool, [ruleId(sidecar)], world);
  const servers: RuleClients = {
    isOfNamespace: (namespace) => facts.namespace === namespace,
    hasLabels: (labels) => Object.keys(labels).length === 0,
  };
  const rule = found === null ? null : findDestinationRule(world, servers, found.service);
  if (rule === null || found === null) return limitsOf(undefined, [], world);
  return limitsOf(portPolicy(rule, null, found.port.number).connectionPool, rule.origins, world);
}

const limitsOf = (
  connectionPool: PortPolicy['connectionPool'],
  limitOrigins: readonly string[],
  world: WorldReader,
) => ({
  limits: resolveLimits({ connectionPool }, world.mesh()),
  keepsProtocol: connectionPool?.http?.useClientProtocol === true,
  limitOrigins,
});
