import { didYouMean } from '../../lib/nearest.ts';
import { wrong } from '../failure.ts';
import { isMap, text } from './answer.ts';
import type { Client } from './client.ts';

/** A kind that the server has. */
export interface ServedKind {
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  /** Words for several kinds together: `rules`. */
  readonly categories: readonly string[];
  /** Empty for the core group. */
  readonly group: string;
  /** Preferred first. */
  readonly versions: readonly string[];
  readonly namespaced: boolean;
}

/** Asks the server for its kinds, in its order. */
export async function discoverKinds(client: Client): Promise<readonly ServedKind[]> {
  const [core, groups] = await Promise.all([discover(client, '/api'), discover(client, '/apis')]);
  return [...groups, ...core];
}

/**
 * The kinds that a word of a command names, by plural, singular, short name or kind, each possibly with its group
 * (`virtualservices.networking.istio.io`), several with commas; `all` for all kinds of rules. Throws CONFIG_INVALID.
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

/** `virtualservice.networking.istio.io/reviews`: how an object is named in what commands print. */
export const displayName = ({ kind, group }: { kind: string; group: string }, name: string): string =>
  `${[kind.toLowerCase(), ...(group === '' ? [] : [group])].join('.')}/${name}`;

export interface UrlParts {
  /** Null for the objects of all namespaces. */
  readonly namespace: string | null;
  /** Null for the list. */
  readonly name: string | null;
  /** One of the kind's; the preferred one where it is left out. */
  readonly version?: string;
}

/** Where the server has a kind's objects. */
export function urlOf(kind: ServedKind, { namespace, name, version = kind.versions[0] ?? 'v1' }: UrlParts): string {
  const parts = [
    ...(kind.group === '' ? ['api', version] : ['apis', kind.group, version]),
    ...(kind.namespaced && namespace !== null ? ['namespaces', namespace] : []),
    kind.plural,
    ...(name === null ? [] : [name]),
  ];
  return `/${parts.map(encodeURIComponent).join('/')}`;
}

/** All the words that name a kind. */
export const namesOf = ({ plural, singular, shortNames }: ServedKind): readonly string[] => [
  plural,
  singular,
  ...shortNames,
];

function findKind(name: string, served: readonly ServedKind[]): ServedKind {
  const dot = name.indexOf('.');
  const [short, group] = dot === -1 ? [name, null] : [name.slice(0, dot), name.slice(dot + 1)];
  const found = served.find(
    (one) => (group === null || one.group === group) && [...namesOf(one), one.kind.toLowerCase()].includes(short),
  );
  if (found !== undefined) return found;
  const near = didYouMean(short, served.flatMap(namesOf));
  throw wrong(`unknown kind "${name}"${near || `; there are ${served.map(({ plural }) => plural).join(', ')}`}`);
}

/** Aggregated discovery, in one request: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery */
async function discover(client: Client, path: string): Promise<readonly ServedKind[]> {
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  const answer = await client.send({ path, accept });
  if (!isMap(answer) || answer.kind !== 'APIGroupDiscoveryList') {
    throw wrong(`${client.server} tells no list of its kinds at ${path}: is it a Binnacle of another release?`);
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
