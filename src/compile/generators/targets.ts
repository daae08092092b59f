import type { TargetPlan } from '../../plan/listener.ts';
import type { HttpConnectionManagerJson, ListenerJson } from '../../proto/json.ts';
import type { HttpFilterKind } from '../http-filters/kind.ts';
import { writeHttpFilters } from '../http-filters/write.ts';
import { extension, overAds } from './json.ts';
import type { NamedListener } from './listeners.ts';

/** Generates the API listener of `xds:///<name>`: it has no socket, only a reference to routes. */
export function generateTarget(
  { name, routeConfiguration }: TargetPlan,
  filters: readonly HttpFilterKind[],
): NamedListener {
  const manager = {
    statPrefix: name,
    rds: { configSource: overAds, routeConfigName: routeConfiguration },
    httpFilters: writeHttpFilters([], filters),
  } satisfies HttpConnectionManagerJson;
  const type = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
  return { name, apiListener: { apiListener: extension(type, manager) } } satisfies ListenerJson;
}
