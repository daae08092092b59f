import { type HttpFilterPlan, inStageOrder, type RouteFilterPlan } from '../../plan/http-filters.ts';
import type { HttpConnectionManagerJson, VirtualHostJson } from '../../proto/json.ts';
import type { HttpFilterKind } from './kind.ts';

type HttpFiltersJson = NonNullable<HttpConnectionManagerJson['httpFilters']>;
type PerFilterJson = Pick<NonNullable<VirtualHostJson['routes']>[number], 'typedPerFilterConfig'>;

/**
 * Writes the filters of a connection manager in order: `planned`, and those that every one has. Filters that are not in
 * `kinds` are omitted.
 */
export function writeHttpFilters(
  planned: readonly HttpFilterPlan[],
  kinds: readonly HttpFilterKind[],
): HttpFiltersJson {
  const isPlanned = ({ name }: HttpFilterKind) => planned.some((plan) => plan.name === name);
  const always = kinds.flatMap((kind) => (kind.everywhere === null || isPlanned(kind) ? [] : [kind.everywhere]));
  return inStageOrder([...planned, ...always]).flatMap(({ name, config }) => {
    const kind = kinds.find((other) => other.name === name);
    return kind === undefined ? [] : [{ name, typedConfig: kind.write(config) }];
  });
}

/** Writes the settings of filters for one route, by filter name. */
export function writeRouteFilters(
  planned: readonly RouteFilterPlan[],
  kinds: readonly HttpFilterKind[],
): PerFilterJson {
  const written = planned.flatMap(({ name, config }) => {
    const kind = kinds.find((other) => other.name === name);
    return kind === undefined ? [] : [[name, kind.writeForRoute(config)] as const];
  });
  return written.length === 0 ? {} : { typedPerFilterConfig: Object.fromEntries(written) };
}
