import { ipVersion } from '../lib/ip.ts';
import type { Endpoint, EndpointSet } from '../model/endpoint.ts';
import type { ServiceKey } from '../model/names.ts';
import { doorOf } from './merge.ts';

/**
 * Endpoints that nobody tells of any more, kept for a while: a lease that is renewed late and a slice that is written anew
 * leave a gap of seconds, over which the listeners of an endpoint must not close (docs/adr/0011).
 */
export interface Departures {
  /** Notes what is gone from `before`, by its address and ports, and answers everything of the service that is kept. */
  settle(
    service: ServiceKey,
    before: EndpointSet | undefined,
    now: readonly (readonly Endpoint[])[],
  ): readonly Endpoint[];
  forget(service: ServiceKey): void;
  /** Services of which something is kept no longer; `settle` must be asked for them again. */
  due(): readonly ServiceKey[];
  /** When the next is due, in milliseconds since the Unix epoch; null while nothing is kept. */
  nextMs(): number | null;
}

interface Departed {
  readonly endpoint: Endpoint;
  readonly untilMs: number;
}

export function createDepartures(now: () => number, keptMs: number): Departures {
  const kept = new Map<ServiceKey, ReadonlyMap<string, Departed>>();

  return {
    settle(service, before, sets) {
      const known = kept.get(service);
      if (keptMs === 0 || (known === undefined && (before?.endpoints.length ?? 0) === 0)) return [];
      // What is told of as it was needs no look at its ports: of two hundred endpoints one or none is left.
      const told = new Set(sets.flat());
      const missing = (before?.endpoints ?? []).filter((endpoint) => !told.has(endpoint));
      const present = new Set(missing.length === 0 ? [] : sets.flatMap((set) => set.map(doorOf)));
      const untilMs = now() + keptMs;
      const departed = new Map<string, Departed>();
      for (const endpoint of missing) {
        const door = doorOf(endpoint);
        if (present.has(door) || ipVersion(endpoint.address) === 0) continue; // nothing listens for a name
        const already = known?.get(door);
        if (already === undefined) departed.set(door, { endpoint: { ...endpoint, health: 'departed' }, untilMs });
        else if (already.untilMs > now()) departed.set(door, already);
      }
      if (departed.size === 0) kept.delete(service);
      else kept.set(service, departed);
      return [...departed.values()].map(({ endpoint }) => endpoint);
    },
    forget: (service) => void kept.delete(service),
    due() {
      const nowMs = now();
      return [...kept]
        .filter(([, all]) => [...all.values()].some(({ untilMs }) => untilMs <= nowMs))
        .map(([key]) => key);
    },
    nextMs() {
      let next: number | null = null;
      for (const all of kept.values()) {
        for (const { untilMs } of all.values()) next = Math.min(next ?? untilMs, untilMs);
      }
      return next;
    },
  };
}
