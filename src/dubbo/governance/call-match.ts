import type { CallCondition, CallMatch } from './rules.ts';
import { expressionOf, matchesPattern, type RouteTextMatch, toRouteMatch } from './text-pattern.ts';

/** Joins conditions; null if no call can meet both. */
export function joinMatches(first: CallMatch, second: CallMatch): CallMatch | null {
  const joined = [...first];
  for (const condition of second) {
    const others = joined.filter((one) => one.on === condition.on && one.key === condition.key);
    if (others.some((other) => isSame(other, condition))) continue;
    if (others.some((other) => excludes(other, condition) || excludes(condition, other))) return null;
    joined.push(condition);
  }
  return joined.filter((condition) => !joined.some((other) => other !== condition && implies(other, condition)));
}

const isSame = (a: CallCondition, b: CallCondition): boolean =>
  a.isNegated === b.isNegated && JSON.stringify(a.pattern) === JSON.stringify(b.pattern);

/** Reports whether a condition on one exact value, or on absence, excludes another one on the same key. */
function excludes({ pattern, isNegated }: CallCondition, other: CallCondition): boolean {
  if (isNegated) return false;
  if (pattern.type === 'absent') return !other.isNegated && other.pattern.type !== 'absent';
  return pattern.type === 'exact' && matchesPattern(other.pattern, pattern.value) === other.isNegated;
}

/** Reports whether a condition on one exact value makes another one on the same key superfluous. */
const implies = (a: CallCondition, b: CallCondition): boolean =>
  a.on === b.on &&
  a.key === b.key &&
  !a.isNegated &&
  a.pattern.type === 'exact' &&
  !isSame(a, b) &&
  matchesPattern(b.pattern, a.pattern.value) !== b.isNegated;

/** Reports whether only the caller decides, so that connections can be routed without being decoded. */
export const isOfCaller = (match: CallMatch): boolean =>
  match.every(({ on, pattern }) => on === 'caller' || pattern.type === 'absent');

export const callerLabels = (match: CallMatch): Readonly<Record<string, string>> =>
  Object.fromEntries(
    match.flatMap(({ on, key, pattern }) =>
      on === 'caller' && pattern.type === 'exact' ? [[key, pattern.value]] : [],
    ),
  );

/** Match of a route of HTTP in a VirtualService. */
export interface HttpCallMatch {
  readonly uri?: RouteTextMatch;
  readonly headers?: Readonly<Record<string, RouteTextMatch>>;
  readonly withoutHeaders?: Readonly<Record<string, RouteTextMatch>>;
  readonly sourceLabels?: Readonly<Record<string, string>>;
}

/**
 * Converts conditions. Attachments are headers. A method is the path in Triple and gRPC; a second alternative has it as
 * the header `method`, in which routes of decoded Dubbo look for it. Null: two patterns for one key, which no match can express.
 */
export function toHttpMatches(match: CallMatch, interfaceName: string): readonly HttpCallMatch[] | null {
  const path = `/${interfaceName}/`;
  const headers: Record<string, RouteTextMatch> = {};
  const without: Record<string, RouteTextMatch> = {};
  for (const conditions of Map.groupBy(match, ({ on, key }) => JSON.stringify([on, key])).values()) {
    const [{ on, key } = { on: 'caller', key: '' }] = conditions;
    if (on === 'caller') continue;
    const name = on === 'method' ? 'method' : key;
    const positive = conditions.filter(({ isNegated, pattern }) => !isNegated && pattern.type !== 'absent');
    const [first, second] = positive.filter(({ pattern }) => pattern.type !== 'present' || positive.length === 1);
    if (second !== undefined) return null;
    if (first !== undefined) headers[name] = toRouteMatch(first.pattern) ?? {};
    if (conditions.some(({ pattern }) => pattern.type === 'absent')) without[name] = {};
    const negated = conditions.filter(({ isNegated }) => isNegated);
    if (negated.length === 0) continue;
    without[name] = noneOf(negated, '');
    if (on === 'method') without[':path'] = noneOf(negated, path);
  }
  const method = match.find(({ on, isNegated }) => on === 'method' && !isNegated);
  const labels = callerLabels(match);
  const build = (parts: HttpCallMatch): HttpCallMatch => ({
    ...parts,
    ...(Object.keys(without).length > 0 ? { withoutHeaders: without } : {}),
    ...(Object.keys(labels).length > 0 ? { sourceLabels: labels } : {}),
  });
  if (method === undefined) return [build(Object.keys(headers).length > 0 ? { headers } : {})];
  const { method: _, ...others } = headers;
  const uri = toRouteMatch(method.pattern, path) ?? {};
  return [build({ uri, ...(Object.keys(others).length > 0 ? { headers: others } : {}) }), build({ headers })];
}

function noneOf(conditions: CallMatch, prefix: string): RouteTextMatch {
  const [only] = conditions;
  if (conditions.length === 1 && only !== undefined) return toRouteMatch(only.pattern, prefix) ?? {};
  return { regex: conditions.map(({ pattern }) => expressionOf(pattern, prefix) ?? '').join('|') };
}
