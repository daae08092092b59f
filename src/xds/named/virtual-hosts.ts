import { contentHash } from '../../lib/hash.ts';
import { bodyParts, type EncodedResource } from '../../proto/resource.ts';
import { stringField } from '../../proto/wire.ts';
import { readFields, type WireField } from '../wire/wire-reader.ts';

/** A virtual host as it is sent on its own. */
export interface FoundHost {
  /**
   * `<route configuration>/#<virtual host>`, also in the body: Envoy removes by the one what it keeps by the other. No
   * host has a `#`, so that this is none of the names that clients ask for.
   */
  readonly name: string;
  readonly version: string;
  /** A serialized VirtualHost. */
  readonly body: Uint8Array;
}

/**
 * The virtual host of a route configuration that serves a host, chosen as Envoy does: by the whole name, the longest
 * `*.suffix`, the longest `prefix.*`, and then `*`. A match of `*` is sent for this host alone: as a virtual host for
 * all, it would keep the client from requesting others. A port counts only if it is named as a domain.
 */
export function findVirtualHost(route: EncodedResource, host: string): FoundHost | null {
  const index = indexOf(route);
  const lower = host.toLowerCase();
  const part = index.exact.get(lower) ?? match(index, lower.replace(/:\d+$/, ''));
  if (part !== null) {
    part.found ??= renamed(part, `${route.name}/#${part.name}`, null);
    return part.found;
  }
  return index.rest === null ? null : renamed(index.rest, `${route.name}/#${index.rest.name}#${lower}`, lower);
}

/** A virtual host in its route configuration. */
interface HostPart {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Built on the first request. */
  found: FoundHost | null;
}

interface Domains {
  readonly exact: ReadonlyMap<string, HostPart>;
  /** Longest first, without the asterisk. */
  readonly suffixes: readonly (readonly [string, HostPart])[];
  readonly prefixes: readonly (readonly [string, HostPart])[];
  /** The virtual host of the domain `*`. */
  readonly rest: HostPart | null;
}

/** Built on first use, and kept as long as the resource. */
const indices = new WeakMap<EncodedResource, Domains>();

function indexOf(route: EncodedResource): Domains {
  const known = indices.get(route);
  if (known !== undefined) return known;
  const index = readDomains(bodyParts('route', route));
  indices.set(route, index);
  return index;
}

/** `RouteConfiguration.virtual_hosts`, and of a VirtualHost: `name` and `domains`. */
const virtualHostsField = 2;
const nameField = 1;
const domainsField = 2;

function readDomains(routeConfiguration: readonly Uint8Array[]): Domains {
  const exact = new Map<string, HostPart>();
  const suffixes: [string, HostPart][] = [];
  const prefixes: [string, HostPart][] = [];
  let rest: HostPart | null = null;
  const addField = ({ number, bytes }: WireField) => {
    if (number !== virtualHostsField || bytes === null) return;
    const { name, domains } = namesOf(bytes);
    const part = { name, bytes, found: null };
    for (const domain of domains) {
      if (domain === '*') rest = part;
      else if (domain.startsWith('*')) suffixes.push([domain.slice(1), part]);
      else if (domain.endsWith('*')) prefixes.push([domain.slice(0, -1), part]);
      else exact.set(domain, part);
    }
  };
  for (const part of routeConfiguration) readFields(part, addField);
  const longestFirst = (a: [string, HostPart], b: [string, HostPart]) => b[0].length - a[0].length;
  return { exact, suffixes: suffixes.sort(longestFirst), prefixes: prefixes.sort(longestFirst), rest };
}

function namesOf(virtualHost: Uint8Array): { readonly name: string; readonly domains: readonly string[] } {
  let name = '';
  const domains: string[] = [];
  readFields(virtualHost, (field) => {
    if (field.number === nameField) name = field.text();
    else if (field.number === domainsField) domains.push(field.text().toLowerCase());
  });
  return { name, domains };
}

function match({ exact, suffixes, prefixes }: Domains, host: string): HostPart | null {
  const whole = exact.get(host);
  if (whole !== undefined) return whole;
  const isLonger = (part: string) => host.length > part.length; // the asterisk stands for something
  const suffix = suffixes.find(([part]) => isLonger(part) && host.endsWith(part));
  const prefix = prefixes.find(([part]) => isLonger(part) && host.startsWith(part));
  return suffix?.[1] ?? prefix?.[1] ?? null;
}

/** The same routes under another name; for `domain` alone, unless that is null. */
function renamed({ bytes }: HostPart, name: string, domain: string | null): FoundHost {
  const fields: Uint8Array[] = [stringField(nameField, name)];
  if (domain !== null) fields.push(stringField(domainsField, domain));
  readFields(bytes, ({ number, start, end }) => {
    const isReplaced = number === nameField || (number === domainsField && domain !== null);
    if (!isReplaced) fields.push(bytes.subarray(start, end));
  });
  const body = Buffer.concat(fields);
  return { name, version: contentHash(body), body };
}
