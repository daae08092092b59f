import type { StringMatch } from '../../fields.ts';
import type { HttpMatchSpec } from './match-schema.ts';

type Matches = readonly HttpMatchSpec[];

/**
 * Combines the matches of a delegate with those of its root: both must hold. Returns null if a match of the delegate
 * lies within none of the root.
 */
export function mergeMatches(root: Matches, own: Matches): HttpMatchSpec[] | null {
  if (root.length === 0) return [...own];
  if (own.length === 0) return [...root];
  const merged: HttpMatchSpec[] = [];
  for (const match of own) {
    const within = root.filter((outer) => isWithin(match, outer));
    if (within.length === 0) return null;
    for (const outer of within) merged.push(mergeMatch(outer, match));
  }
  return merged;
}

/** Returns true if the conditions of a match are compatible with those of `outer`, and none is wider. */
function isWithin(match: HttpMatchSpec, outer: HttpMatchSpec): boolean {
  const texts = (['uri', 'scheme', 'method', 'authority'] as const).every((name) => lies(match[name], outer[name]));
  return (
    texts &&
    eachPair(match.headers, outer.headers, lies) &&
    // Exclusions of the root stay; the delegate may exclude more.
    eachPair(match.withoutHeaders, outer.withoutHeaders, (own, excluded) => lies(excluded, own)) &&
    eachPair(match.queryParams, outer.queryParams, lies) &&
    (match.ignoreUriCase ?? false) === (outer.ignoreUriCase ?? false) &&
    (match.port === undefined || outer.port === undefined || match.port === outer.port) &&
    (!match.sourceNamespace || !outer.sourceNamespace || match.sourceNamespace === outer.sourceNamespace) &&
    eachPair(match.sourceLabels, outer.sourceLabels, (own, required) => own === required) &&
    areAmong(match.gateways ?? [], outer.gateways ?? [])
  );
}

type ByName<T> = Readonly<Record<string, T>> | undefined;

/** Returns true if the test holds for each name that both have. */
const eachPair = <T>(own: ByName<T>, outer: ByName<T>, test: (own: T, outer: T) => boolean): boolean =>
  Object.entries(own ?? {}).every(([name, value]) => {
    const other = outer?.[name];
    return other === undefined || test(value, other);
  });

const areAmong = (own: readonly string[], outer: readonly string[]): boolean =>
  outer.length === 0 || own.every((gateway) => outer.includes(gateway));

/** Returns true if all texts that `own` matches also match `outer`. Unequal expressions are not compared. */
function lies(own: StringMatch | undefined, outer: StringMatch | undefined): boolean {
  if (own === undefined || outer === undefined || isPresence(outer)) return true;
  if (outer.regex !== undefined) return own.regex === outer.regex;
  if (outer.exact !== undefined && outer.exact !== '') return own.exact === outer.exact;
  const text = own.exact ?? own.prefix ?? '';
  return own.regex === undefined && text.startsWith(outer.prefix ?? '');
}

/** Returns true for a match that requires presence only. */
const isPresence = ({ exact, prefix, regex }: StringMatch): boolean => !exact && !prefix && regex === undefined;

/** Joins the names of a root and a delegate, as Istio does. */
export const joined = (root: string | undefined, own: string | undefined): string | undefined =>
  root && own ? `${root}-${own}` : own || root;

function mergeMatch(outer: HttpMatchSpec, own: HttpMatchSpec): HttpMatchSpec {
  const name = joined(outer.name, own.name);
  const merged = {
    ...(name === undefined ? {} : { name }),
    ...first('uri', own, outer),
    ...first('scheme', own, outer),
    ...first('method', own, outer),
    ...first('authority', own, outer),
    ...both('headers', own, outer),
    ...both('withoutHeaders', own, outer),
    ...both('queryParams', own, outer),
    ...first('ignoreUriCase', own, outer),
    ...first('statPrefix', own, outer),
    ...first('port', own, outer),
    ...both('sourceLabels', own, outer),
    ...first('sourceNamespace', own, outer),
  };
  const gateways = own.gateways?.length ? own.gateways : outer.gateways;
  return gateways === undefined ? merged : { ...merged, gateways };
}

/** Returns a field of the delegate, else of the root. An empty text counts as missing. */
function first<Name extends keyof HttpMatchSpec>(name: Name, own: HttpMatchSpec, outer: HttpMatchSpec) {
  const value = own[name] || outer[name];
  return (value === undefined ? {} : { [name]: value }) as { [K in Name]?: HttpMatchSpec[K] }; // a computed key widens
}

function both<Name extends 'headers' | 'withoutHeaders' | 'queryParams' | 'sourceLabels'>(
  name: Name,
  own: HttpMatchSpec,
  outer: HttpMatchSpec,
) {
  const value: object = { ...outer[name], ...own[name] };
  const isEmpty = Object.keys(value).length === 0;
  return (isEmpty ? {} : { [name]: value }) as { [K in Name]?: HttpMatchSpec[K] }; // a computed key widens
}
