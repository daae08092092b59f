import type { HeaderChange, HeaderChanges, HeaderMatch, RouteMatch, TextMatch } from '../../../plan/route.ts';
import type { StringMatch } from '../../fields.ts';
import { type HeadersSpec, isAuthority } from './headers-schema.ts';
import type { HttpMatchSpec } from './match-schema.ts';

/** Facts about the callers that decide source conditions at compile time. */
export interface SourceContext {
  /** The port that clients call. */
  readonly port: number;
  /** Returns whether the clients are in this namespace. */
  isOfNamespace(namespace: string): boolean;
  /** Returns whether the clients have all of these labels. */
  hasLabels(labels: Readonly<Record<string, string>>): boolean;
}

/** Conditions on the source or the port rather than the request. */
type SourceConditions = Pick<HttpMatchSpec, 'gateways' | 'port' | 'sourceLabels' | 'sourceNamespace'>;

/** Returns whether the clients of a scope can meet these conditions. Sidecars count as the gateway `mesh`. */
export function appliesTo(match: SourceConditions, context: SourceContext): boolean {
  if (match.gateways !== undefined && match.gateways.length > 0 && !match.gateways.includes('mesh')) return false;
  if (match.port !== undefined && match.port !== context.port) return false;
  const sourceNamespace = match.sourceNamespace ?? '';
  if (sourceNamespace !== '' && !context.isOfNamespace(sourceNamespace)) return false;
  return match.sourceLabels === undefined || context.hasLabels(match.sourceLabels);
}

export function resolveMatch(match: HttpMatchSpec): RouteMatch {
  return {
    path: resolvePath(match),
    headers: [
      ...pseudoHeader(':method', match.method),
      ...pseudoHeader(':scheme', match.scheme),
      ...pseudoHeader(':authority', match.authority),
      ...headerMatches(match.headers, false),
      ...headerMatches(match.withoutHeaders, true),
    ],
    query: Object.entries(match.queryParams ?? {})
      .sort(byName)
      .map(([name, value]) => ({ name, match: resolveText(value) })),
  };
}

/** Resolves header changes, except for the host of requests: see `hostToSet`. */
export const resolveHeaderChanges = ({ request, response }: HeadersSpec): HeaderChanges => ({
  request: resolveHeaderChange(request),
  response: resolveHeaderChange(response),
});

/**
 * Returns the host that header changes set in place of the original; null for none. Envoy has a separate field for it.
 */
export const hostToSet = ({ request }: HeadersSpec): string | null =>
  [...Object.entries(request?.set ?? {}), ...Object.entries(request?.add ?? {})].find(([name]) =>
    isAuthority(name),
  )?.[1] ?? null;

const resolveHeaderChange = (spec: HeadersSpec['request']): HeaderChange => ({
  set: withoutHost(spec?.set),
  add: withoutHost(spec?.add),
  remove: spec?.remove ?? [],
});

const withoutHost = (headers: Readonly<Record<string, string>> = {}): HeaderChange['set'] =>
  Object.entries(headers)
    .filter(([name]) => !isAuthority(name))
    .sort(byName);

function resolvePath({ uri, ignoreUriCase }: HttpMatchSpec): RouteMatch['path'] {
  const ignoreCase = ignoreUriCase ?? false;
  const match = uri === undefined ? { type: 'present' as const } : resolveText(uri);
  if (match.type === 'present') return { type: 'prefix', value: '/', ignoreCase: false };
  return { type: match.type, value: match.value, ignoreCase };
}

const pseudoHeader = (name: string, spec: StringMatch | undefined): readonly HeaderMatch[] =>
  spec === undefined ? [] : [{ name, match: resolveText(spec), inverted: false }];

const headerMatches = (specs: HttpMatchSpec['headers'], inverted: boolean): readonly HeaderMatch[] =>
  Object.entries(specs ?? {})
    .sort(byName)
    .map(([name, spec]) => ({ name, match: resolveText(spec), inverted }));

/** Resolves a text match. An empty match, or an empty text in it, requires only presence. */
function resolveText(spec: StringMatch): TextMatch {
  if (spec.exact !== undefined && spec.exact !== '') return { type: 'exact', value: spec.exact };
  if (spec.prefix !== undefined && spec.prefix !== '') return { type: 'prefix', value: spec.prefix };
  if (spec.regex !== undefined) return { type: 'regex', value: spec.regex };
  return { type: 'present' };
}

/** Sorts by name: objects have no order, and equal rules must give equal bytes. */
const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);
