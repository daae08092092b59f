import { didYouMean } from '../../lib/nearest.ts';
import { usageError } from '../failure.ts';
import { isMap, text } from './answer.ts';
import type { ApiClient } from './client.ts';

/** Kind that the server offers. */
export interface ServedKind {
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  /** Categories, names for several kinds: `rules`. */
  readonly categories: readonly string[];
  /** Group; empty for the core group. */
  readonly group: string;
  /** Versions, preferred first. */
  readonly versions: readonly string[];
  readonly namespaced: boolean;
}

/** Reads the kinds of a server, in its order. */
export async function discoverKinds(client: ApiClient): Promise<readonly ServedKind[]> {
  const [core, groups] = await Promise.all([discover(client, '/api'), discover(client, '/apis')]);
  return [...groups, ...core];
}

/**
 * Finds the kinds that a word names: by plural, singular, short name or kind, each optionally with its group
 * (`virtualservices.networking.istio.io`); several separated by commas; `all` for all kinds of rules. Throws
 * CONFIG_INVALID.
 */
export function findKinds(word: string, served: readonly ServedKind[]): readonly ServedKind[] {
  const found = word.split(',').flatMap((one) => {
    const name = one.trim().toLowerCase();
    if (name === 'all') return served.filter(({ group }) => group !== '');
    const together = served.filter(({ categories }) => categories.includes(name));
    return together.length > 0 ? together : [findKind(name, served)];
  });
  return [...new Set(found)];
}

/** Formats the name of an object in printed output: `virtualservice.networking.istio.io/reviews`. */
export const displayName = ({ kind, group }: { kind: string; group: string }, name: string): string =>
  `${[kind.toLowerCase(), ...(group === '' ? [] : [group])].join('.')}/${name}`;

export interface UrlParts {
  /** Namespace; null for all namespaces. */
  readonly namespace: string | null;
  /** Name; null for the list. */
  readonly name: string | null;
  /** Version; the preferred one by default. */
  readonly version?: string;
}

/** Builds the URL of a kind's list or object. */
export function urlOf(kind: ServedKind, { namespace, name, version = kind.versions[0] ?? 'v1' }: UrlParts): string {
  const parts = [
    ...(kind.group === '' ? ['api', version] : ['apis', kind.group, version]),
    ...(kind.namespaced && namespace !== null ? ['namespaces', namespace] : []),
    kind.plural,
    ...(name === null ? [] : [name]),
  ];
  return `/${parts.map(encodeURIComponent).join('/')}`;
}

/** Lists all words that name a kind. */
export const wordsOfKind = ({ plural, singular, shortNames }: ServedKind): readonly string[] => [
  plural,
  singular,
  ...shortNames,
];

function findKind(name: string, served: readonly ServedKind[]): ServedKind {
  const dot = name.indexOf('.');
  const [short, group] = dot === -1 ? [name, null] : [name.slice(0, dot), name.slice(dot + 1)];
  const found = served.find(
    (one) => (group === null || one.group === group) && [...wordsOfKind(one), one.kind.toLowerCase()].includes(short),
  );
  if (found !== undefined) return found;
  const near = didYouMean(short, served.flatMap(wordsOfKind));
  throw usageError(`unknown kind "${name}"${near || `; there are ${served.map(({ plural }) => plural).join(', ')}`}`);
}

/**
 * Reads all kinds in one request, by aggregated discovery:
 * https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery
 */
async function discover(client: ApiClient, path: string): Promise<readonly ServedKind[]> {
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  const answer = await client.send({ path, accept });
  if (!isMap(answer) || answer.kind !== 'APIGroupDiscoveryList') {
    throw usageError(`${client.server} has no list of kinds at ${path}: is it a Binnacle of another release?`);
  }
  return maps(answer.items).flatMap(kindsOfGroup);
}

function kindsOfGroup(item: Record<string, unknown>): readonly ServedKind[] {
  const group = isMap(item.metadata) ? text(item.metadata.name) : '';
  const kinds = new Map<string, ServedKind>();
  for (const { version, resources } of maps(item.versions)) {
    for (const resource of maps(resources)) {
      const plural = text(resource.resource);
      const known = kinds.get(plural) ?? kindOfResource(resource, group); // the preferred version comes first
      kinds.set(plural, { ...known, versions: [...known.versions, text(version)] });
    }
  }
  return [...kinds.values()];
}

const kindOfResource = (resource: Record<string, unknown>, group: string): ServedKind => ({
  kind: isMap(resource.responseKind) ? text(resource.responseKind.kind) : '',
  plural: text(resource.resource),
  singular: text(resource.singularResource),
  shortNames: texts(resource.shortNames),
  categories: texts(resource.categories),
  group,
  versions: [],
  namespaced: resource.scope !== 'Cluster',
});

const maps = (value: unknown): readonly Record<string, unknown>[] => (Array.isArray(value) ? value.filter(isMap) : []);

const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(text) : []);
