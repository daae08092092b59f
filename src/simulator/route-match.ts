import type { VirtualHostJson } from '../proto/json.ts';
import type { SimulatedCall } from './call.ts';
import { matchesHeader, matchesQuery, matchesWhole } from './text-match.ts';

export type RouteEntryJson = NonNullable<VirtualHostJson['routes']>[number];
type RouteMatchJson = NonNullable<RouteEntryJson['match']>;

/**
 * Reports whether a request meets all conditions of a route, except those on runtime values, metadata and filter state:
 * https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components.proto#config-route-v3-routematch
 */
export function matchesRoute({ match = {} }: RouteEntryJson, call: SimulatedCall): boolean {
  const [path = '', query] = pathAndQuery(call.path);
  const { headers = [], queryParameters = [], grpc, tlsContext } = match;
  return (
    matchesPath(match, path, call) &&
    headers.every((matcher) => matchesHeader(matcher, headerOf(call, matcher.name ?? ''))) &&
    queryParameters.every((matcher) => matchesQuery(matcher, query.get(matcher.name ?? ''))) &&
    (grpc === undefined || isGrpc(call)) &&
    (tlsContext?.presented == null || tlsContext.presented === (call.tls === 'mtls'))
  );
}

function matchesPath(match: RouteMatchJson, path: string, { method }: SimulatedCall): boolean {
  const fold = (text: string) => (match.caseSensitive === false ? text.toLowerCase() : text);
  if (match.connectMatcher !== undefined) return method === 'CONNECT';
  if (method === 'CONNECT') return false; // only a CONNECT matcher accepts it
  if (match.path !== undefined) return fold(path) === fold(match.path);
  if (match.prefix !== undefined) return fold(path).startsWith(fold(match.prefix));
  if (match.pathSeparatedPrefix !== undefined) {
    const prefix = fold(match.pathSeparatedPrefix);
    return fold(path) === prefix || fold(path).startsWith(`${prefix}/`);
  }
  if (match.safeRegex !== undefined) return matchesWhole(match.safeRegex.regex ?? '', path);
  return false; // a URI template or nothing
}

/** Splits a path from its query and its fragment. Values are not decoded; the first one of a name counts. */
function pathAndQuery(text: string): readonly [string, ReadonlyMap<string, string>] {
  const [whole = ''] = text.split('#');
  const mark = whole.indexOf('?');
  if (mark === -1) return [whole, new Map()];
  const pairs = whole
    .slice(mark + 1)
    .split('&')
    .filter(Boolean)
    .map((pair): [string, string] => {
      const equals = pair.indexOf('=');
      return equals === -1 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
    });
  return [whole.slice(0, mark), new Map(pairs.reverse())];
}

function headerOf(call: SimulatedCall, name: string): string | undefined {
  switch (name.toLowerCase()) {
    case ':method':
      return call.method;
    case ':authority':
    case 'host':
      return call.host === '' ? undefined : call.host;
    case ':path':
      return call.path;
    case ':scheme':
      return call.tls === 'none' ? 'http' : 'https';
    default:
      return call.headers.get(name.toLowerCase());
  }
}

const isGrpc = ({ headers }: SimulatedCall): boolean =>
  /^application\/grpc(\+|$)/.test(headers.get('content-type') ?? '');
