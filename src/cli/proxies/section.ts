import { type EnvoyJson, mapsAt, textAt } from './json.ts';

/** Resources of one type, as `proxy-config` shows them. */
export interface ResourceSection {
  /** Name of the list in the configuration dump. */
  readonly list: string;
  readonly resourceOf: (entry: EnvoyJson) => EnvoyJson;
  /** Name of a resource; its field `name` if absent. */
  readonly nameOf?: (resource: EnvoyJson) => string;
  readonly head: readonly string[];
  readonly rowsOf: (resource: EnvoyJson) => readonly (readonly string[])[];
}

/** Returns the resources of a dump, sorted by name, whose name contains a text. */
export function resourcesIn(
  dump: EnvoyJson,
  { list, resourceOf, nameOf = nameField }: ResourceSection,
  part: string,
): readonly EnvoyJson[] {
  return mapsAt(dump, 'configs')
    .flatMap((config) => mapsAt(config, list))
    .map(resourceOf)
    .filter((resource) => nameOf(resource).includes(part))
    .sort((a, b) => (sortKey(nameOf(a)) < sortKey(nameOf(b)) ? -1 : 1));
}

const nameField = (resource: EnvoyJson): string => textAt(resource, 'name');

/** Key by which the cluster of a whole port comes before those of its subsets. */
const sortKey = (name: string): string => name.replaceAll('|', '\0');
