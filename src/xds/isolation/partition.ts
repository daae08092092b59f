import { contentHash } from '../../lib/hash.ts';
import { type Assembly, assembleResource } from '../../proto/assemble.ts';
import { bodyParts, type EncodedResource, encodeResource, resourceBody, type XdsType } from '../../proto/resource.ts';
import { MalformedMessage, readFields } from '../wire/wire-reader.ts';

/** Smallest unit that can be substituted: a virtual host of a route configuration, or a whole resource. */
export interface ResourcePart {
  /** Name of the virtual host; empty for a whole resource. */
  readonly name: string;
  /** A hash of the content; of a whole resource its version. */
  readonly hash: string;
  /** The field of the route configuration, tag included; of a whole resource its message. */
  readonly bytes: Uint8Array;
  /** Domains of a virtual host, as written; a domain may occur only once in a route configuration. */
  readonly domains: readonly string[];
}

/** Parts of a resource, in the order of its bytes. */
export interface Partition {
  /** Parts by name. A resource without virtual hosts is one part without a name. */
  readonly parts: ReadonlyMap<string, ResourcePart>;
  /** Everything, in order: fields that belong to no part stay as they are. */
  readonly fields: readonly (ResourcePart | Uint8Array)[];
}

const partitions = new WeakMap<EncodedResource, Partition>();

/** Splits a resource into parts. Computed once per resource. */
export function partitionOf(type: XdsType, resource: EncodedResource): Partition {
  const known = partitions.get(resource);
  if (known !== undefined) return known;
  const partition = (type === 'route' ? splitRoutes(resource) : null) ?? unsplit(type, resource);
  partitions.set(resource, partition);
  return partition;
}

function unsplit(type: XdsType, resource: EncodedResource): Partition {
  const part = wholePart(type, resource);
  return { parts: new Map([['', part]]), fields: [part] };
}

/** A resource as one part. */
export const wholePart = (type: XdsType, resource: EncodedResource): ResourcePart => ({
  name: '',
  hash: resource.version,
  bytes: resourceBody(type, resource),
  domains: [],
});

/** Splits a route configuration. Null: it has no virtual hosts, or is no message. */
function splitRoutes(resource: EncodedResource): Partition | null {
  const parts = new Map<string, ResourcePart>();
  const fields: (ResourcePart | Uint8Array)[] = [];
  try {
    for (const message of bodyParts('route', resource)) {
      readFields(message, ({ number, bytes, start, end }) => {
        const field = message.subarray(start, end);
        if (number !== virtualHostsField || bytes === null) {
          fields.push(field);
          return;
        }
        const part = virtualHostOf(field, bytes);
        parts.set(part.name, part);
        fields.push(part);
      });
    }
  } catch (error) {
    if (error instanceof MalformedMessage) return null;
    throw error;
  }
  return parts.size === 0 ? null : { parts, fields };
}

/** Number of the field `virtual_hosts` of RouteConfiguration. */
const virtualHostsField = 2;

function virtualHostOf(field: Uint8Array, message: Uint8Array): ResourcePart {
  let name = '';
  const domains: string[] = [];
  readFields(message, (inner) => {
    if (inner.number === 1) name = inner.text();
    if (inner.number === 2) domains.push(inner.text());
  });
  return { name, hash: contentHash(field), bytes: field, domains };
}

/** Part of a resource in another version, or omitted. */
export type Choice = (part: ResourcePart) => ResourcePart | null;

/**
 * The resource with some parts in other versions. A substitute whose domain another part has is left out, because Envoy
 * rejects duplicate domains.
 *
 * @returns null if nothing of it is left; the resource itself if every part is its own.
 */
export function rebuild(type: XdsType, resource: EncodedResource, choose: Choice): EncodedResource | null {
  const { parts, fields } = partitionOf(type, resource);
  const chosen = new Map([...parts.values()].map((part) => [part, choose(part)]));
  if (chosen.entries().every(([part, choice]) => choice?.hash === part.hash)) return resource;
  const [only] = parts.values();
  if (only !== undefined && only.name === '' && parts.size === 1) {
    const choice = chosen.get(only) ?? null;
    return choice === null ? null : cached(resource, choice.hash, () => remade(type, resource.name, choice));
  }
  const usedDomains = new Set(
    chosen.entries().flatMap(([part, choice]) => (choice?.hash === part.hash ? part.domains : [])),
  );
  const kept = fields.flatMap((field): readonly (ResourcePart | Uint8Array)[] => {
    if (field instanceof Uint8Array) return [field];
    const choice = chosen.get(field) ?? null;
    if (choice === null) return [];
    if (choice.hash !== field.hash && choice.domains.some((domain) => usedDomains.has(domain))) return [];
    for (const domain of choice.domains) usedDomains.add(domain);
    return [choice];
  });
  const version = contentHash(
    kept.map((field) => (field instanceof Uint8Array ? contentHash(field) : field.hash)).join(),
  );
  const assembly = (): Assembly => ({
    version,
    parts: kept.map((field) => (field instanceof Uint8Array ? field : field.bytes)),
  });
  return cached(resource, version, () => assembleResource(type, resource.name, assembly()));
}

const remade = (type: XdsType, name: string, { bytes, hash }: ResourcePart): EncodedResource =>
  encodeResource(type, name, bytes, hash);

/** Rebuilt versions, shared by streams that reject the same parts. */
const rebuilt = new WeakMap<EncodedResource, Map<string, EncodedResource>>();

function cached(resource: EncodedResource, version: string, make: () => EncodedResource): EncodedResource {
  const versions = rebuilt.get(resource) ?? new Map<string, EncodedResource>();
  rebuilt.set(resource, versions);
  const known = versions.get(version) ?? make();
  versions.set(version, known);
  if (versions.size > mostVersions) versions.delete(versions.keys().next().value ?? version);
  return known;
}

/** A search sends some dozens of versions of a resource. */
const mostVersions = 64;
