import { ipVersion } from '../lib/ip.ts';
import type { Endpoint, EndpointSet } from '../model/endpoint.ts';
import type { ServiceKey } from '../model/names.ts';
import { endpointIdentity } from './merge-endpoints.ts';

/**
 * Endpoints that were removed recently. A late lease renewal or a rewritten slice causes a gap of seconds, during which
 * the listeners of an endpoint must stay open (docs/adr/0011).
 */
export interface Departures {
  /**
   * Records endpoints that are in `before` but not in `now`, by address and ports. Returns all departed endpoints of
   * the service.
   */
  settle(service: ServiceKey, before: EndpointSet | undefined, now: readonly Endpoint[]): readonly Endpoint[];
  forget(service: ServiceKey): void;
  /** Returns services whose departed endpoints have expired; call `settle` for them. */
  due(): readonly ServiceKey[];
  /** Returns the next expiry in milliseconds since the Unix epoch; null if there is none. */
  nextMs(): number | null;
}

interface Departed {
  readonly endpoint: Endpoint;
  readonly untilMs: number;
}

export function createDepartures(now: () => number, departedMs: number): Departures {
  const departedByService = new Map<ServiceKey, ReadonlyMap<string, Departed>>();

  return {
    settle(service, before, endpoints) {
      const known = departedByService.get(service);
      if (departedMs === 0 || (known === undefined && (before?.endpoints.length ?? 0) === 0)) return [];
      // Unchanged endpoints are found by identity, so that ports are compared only for the few others.
      const current = new Set(endpoints);
      const missing = (before?.endpoints ?? []).filter((endpoint) => !current.has(endpoint));
      const present = new Set(missing.length === 0 ? [] : endpoints.map(endpointIdentity));
      const untilMs = now() + departedMs;
      const departed = new Map<string, Departed>();
      for (const endpoint of missing) {
        const identity = endpointIdentity(endpoint);
        if (present.has(identity) || ipVersion(endpoint.address) === 0) continue; // a hostname has no listeners
        const already = known?.get(identity);
        if (already === undefined) departed.set(identity, { endpoint: { ...endpoint, health: 'departed' }, untilMs });
        else if (already.untilMs > now()) departed.set(identity, already);
      }
      if (departed.size === 0) departedByService.delete(service);
      else departedByService.set(service, departed);
      return [...departed.values()].map(({ endpoint }) => endpoint);
    },
    forget: (service) => void departedByService.delete(service),
    due() {
      const nowMs = now();
      return [...departedByService]
        .filter(([, all]) => [...all.values()].some(({ untilMs }) => untilMs <= nowMs))
        .map(([key]) => key);
    },
    nextMs() {
      let next: number | null = null;
      for (const all of departedByService.values()) {
        for (const { untilMs } of all.values()) next = Math.min(next ?? untilMs, untilMs);
      }
      return next;
    },
  };
}
