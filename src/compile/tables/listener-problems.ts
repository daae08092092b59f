import type { ChainMatch } from '../../plan/listener.ts';
import type { PlanProblem } from '../../plan/unit.ts';
import type { DecidedClaim } from './chain-matches.ts';
import type { ChainPart } from './chain-parts.ts';
import type { SharedChain } from './shared-chains.ts';

/** Returns the problems of services that lost a listener, or that get more or fewer connections than their own. */
export function listenerProblems(name: string, decided: readonly DecidedClaim<SharedChain>[]): readonly PlanProblem[] {
  if (decided.some(({ claim }) => claim.first.plan.listener.direction === 'inbound')) return []; // one claim per port
  const sniffsHttp = decided.some(({ matches }) => matches.some(({ protocols }) => protocols.length > 0));
  return decided.flatMap(({ claim, matches, lostTo }) => {
    if (claim.isForUnknown) return [];
    const [winner] = lostTo;
    if (winner !== undefined) return claim.parts.map((part) => lost(name, part, winner));
    const takesRest = sniffsHttp && matches.some(isWithoutConditions);
    // A port may have thousands of services.
    if (!takesRest && !claim.parts.some(({ plan }) => plan.takesAnyAddress)) return [];
    const detected = takesRest ? unitsWithHttp(decided) : new Set<string>();
    return claim.parts.flatMap((part) => [
      ...(part.plan.takesAnyAddress ? [anyAddressTaken(name, part)] : []),
      ...(takesRest && !detected.has(part.unit) ? [besideHttp(name, part)] : []),
    ]);
  });
}

/** Returns the units with HTTP on a listener. What they receive besides is that of a port whose protocol is detected. */
const unitsWithHttp = (decided: readonly DecidedClaim<SharedChain>[]): ReadonlySet<string> =>
  new Set(decided.flatMap(({ claim }) => (claim.isHttp ? claim.parts.map(({ unit }) => unit) : [])));

/** Returns true for a match without conditions on a connection's content. */
const isWithoutConditions = ({ protocols, serverNames, transport }: ChainMatch): boolean =>
  protocols.length === 0 && serverNames.length === 0 && transport === null;

const originOf = ({ plan, unit }: ChainPart): string => plan.origins[0] ?? unit;

const lost = (name: string, part: ChainPart, winner: SharedChain): PlanProblem => ({
  origin: originOf(part),
  message: winner.isHttp
    ? `listener ${name} belongs to the HTTP services of the port: ${part.unit} is not reachable by it; give it addresses`
    : `listener ${name} belongs to ${winner.first.unit}, which is older: ${part.unit} is not reachable by it`,
});

const besideHttp = (name: string, part: ChainPart): PlanProblem => ({
  origin: originOf(part),
  message: `${part.unit} shares listener ${name} with HTTP services: what begins like HTTP goes to them, and a connection waits until its client has spoken; give it addresses`,
});

const anyAddressTaken = (name: string, part: ChainPart): PlanProblem => ({
  origin: originOf(part),
  message: `${part.unit} has no address: captured connections to any address of which no listener is known go there by ${name}; give it addresses`,
});
