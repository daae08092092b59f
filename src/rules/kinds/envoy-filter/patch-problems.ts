import type { PatchMatch } from './match-schema.ts';

/** A patch of valid form, before its parts are checked against each other. */
interface WrittenPatch {
  readonly applyTo?: string | undefined;
  readonly match?: PatchMatch | undefined;
  readonly patch?: { readonly operation?: string | undefined; readonly value?: unknown } | undefined;
}

type PatchConflict = readonly [path: readonly string[], message: string];

/** Field of the match that finds each part. Other parts match by context and proxy only. */
const matchOf: Readonly<Record<string, (typeof matches)[number]>> = {
  LISTENER: 'listener',
  FILTER_CHAIN: 'listener',
  NETWORK_FILTER: 'listener',
  HTTP_FILTER: 'listener',
  LISTENER_FILTER: 'listener',
  ROUTE_CONFIGURATION: 'routeConfiguration',
  VIRTUAL_HOST: 'routeConfiguration',
  HTTP_ROUTE: 'routeConfiguration',
  CLUSTER: 'cluster',
};

const matches = ['listener', 'routeConfiguration', 'cluster'] as const;
const merges = ['MERGE', 'MERGE_AND_REPLACE_LIST'];
const replaceable = ['LISTENER_FILTER', 'NETWORK_FILTER', 'HTTP_FILTER', 'VIRTUAL_HOST'];
const connectionManagers = ['envoy.filters.network.http_connection_manager', 'envoy.http_connection_manager'];

/** Finds parts of a patch that do not fit together, with their paths from the patch on. */
export function patchProblems(written: WrittenPatch): readonly PatchConflict[] {
  const { applyTo = 'INVALID', match, patch } = written;
  const operation = patch?.operation ?? 'INVALID';
  const problems: PatchConflict[] = [];
  if (applyTo === 'INVALID') problems.push([['applyTo'], 'must say what is patched, such as HTTP_FILTER or CLUSTER']);
  if (operation === 'INVALID') problems.push([['patch', 'operation'], 'must say what is done, such as MERGE or ADD']);
  else if (operation !== 'REMOVE' && patch?.value === undefined) {
    problems.push([['patch', 'value'], `is required with operation ${operation}`]);
  }
  return problems.length > 0 ? problems : matchProblems(applyTo, match);
}

/** Reports an operation that has no effect on its part. Istio accepts it. */
export function idleOperation({ applyTo = 'INVALID', patch }: WrittenPatch): readonly PatchConflict[] {
  const operation = patch?.operation ?? 'INVALID';
  if (applyTo === 'ROUTE_CONFIGURATION' && !merges.includes(operation)) {
    return [[['patch', 'operation'], `has no effect on a route configuration: use ${merges.join(' or ')}`]];
  }
  if (operation === 'REPLACE' && !replaceable.includes(applyTo)) {
    return [[['patch', 'operation'], `has no effect on ${applyTo}: REPLACE is for ${replaceable.join(', ')}`]];
  }
  return [];
}

function matchProblems(applyTo: string, match: PatchMatch = {}): readonly PatchConflict[] {
  const wanted = matchOf[applyTo];
  if (wanted === undefined) return [];
  const [given, ...others] = matches.filter((field) => match[field] !== undefined);
  if (others.length > 0) return []; // the match's own schema reports it
  if (given !== undefined && given !== wanted) {
    return [[['match', given], `cannot match ${applyTo}, which is found by ${wanted}`]];
  }
  return filterProblems(applyTo, match);
}

function filterProblems(applyTo: string, match: PatchMatch): readonly PatchConflict[] {
  const filter = match.listener?.filterChain?.filter;
  if (filter === undefined) return [];
  const path = ['match', 'listener', 'filterChain', 'filter'];
  if (!filter.name) return [[[...path, 'name'], 'must name the filter']];
  if (filter.subFilter === undefined) return [];
  if (applyTo !== 'HTTP_FILTER') return [[[...path, 'subFilter'], 'can be matched only with applyTo HTTP_FILTER']];
  if (!connectionManagers.includes(filter.name)) {
    return [[[...path, 'name'], `must be ${connectionManagers[0]}, which alone has filters within it`]];
  }
  return filter.subFilter.name ? [] : [[[...path, 'subFilter', 'name'], 'must name the filter']];
}
