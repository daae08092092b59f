import { canonicalAddress } from '../lib/ip.ts';
import { covers, type Hostname, type ServiceKey, serviceKey } from '../model/names.ts';
import type { Service } from '../model/service.ts';

/** Label by which a service lets self-registered instances of its namespace join: `allow`. */
export const guestLabel = 'mesh.binnacle.dev/registration';

/** Names of a guest's service, one whose instances registered themselves. */
export interface GuestName {
  readonly namespace: string;
  readonly hostname: Hostname;
  /** Requested virtual addresses. */
  readonly vips?: readonly string[] | undefined;
}

/** Definitions of other adapters, which guests must not override. */
export interface Guests {
  /** Records the service that a regular shard defines at `key`; undefined removes it. */
  defined(shard: string, key: ServiceKey, service: Service | undefined): void;
  /** Records a guest's service at `key`; undefined removes it. */
  guestChanged(shard: string, key: ServiceKey, service: Service | undefined): void;
  /** Returns the reason why a guest's instances may not serve this name, or null. */
  reasonAgainst(guest: GuestName): string | null;
}

interface GuestEntry {
  readonly key: ServiceKey;
  readonly names: readonly string[];
}

export interface GuestsOptions {
  /** Reports whether the configuration lets instances of a guest join services of others. */
  readonly isAllowed: (guest: GuestName) => boolean;
  /** Called for guests whose `reasonAgainst` may have changed. */
  readonly affected: (key: ServiceKey) => void;
}

export function createGuests({ isAllowed, affected }: GuestsOptions): Guests {
  /** Services of regular shards, by shard and key. */
  const defined = new Map<string, Service>();
  const byName = new Map<string, Set<Service>>();
  /** Services of guests by shard and key, and by each name that they request. */
  const requested = new Map<string, GuestEntry>();
  const guests = new Map<string, Set<GuestEntry>>();

  const definersOf = (guest: GuestName): readonly Service[] =>
    namesAskedFor(guest).flatMap((name) => [...(byName.get(name) ?? [])]);

  return {
    defined(shard, key, service) {
      const id = `${shard} ${key}`;
      const before = defined.get(id);
      if (service === undefined) defined.delete(id);
      else defined.set(id, service);
      if (before !== undefined) for (const name of namesOf(before)) removeFrom(byName, name, before);
      if (service !== undefined) for (const name of namesOf(service)) addTo(byName, name, service);
      for (const name of [before, service].flatMap((one) => (one === undefined ? [] : namesOf(one)))) {
        for (const { key: guest } of guests.get(name) ?? []) affected(guest);
      }
    },
    guestChanged(shard, key, service) {
      const id = `${shard} ${key}`;
      const before = requested.get(id);
      if (before !== undefined) for (const name of before.names) removeFrom(guests, name, before);
      requested.delete(id);
      if (service === undefined) return;
      const guest = { key, names: namesAskedFor(service) };
      requested.set(id, guest);
      for (const name of guest.names) addTo(guests, name, guest);
    },
    reasonAgainst(guest) {
      const definers = definersOf(guest);
      const own = definers.filter((one) => one.namespace === guest.namespace && one.hostname === guest.hostname);
      const [refusing] = (own.length === 0 ? definers : own)
        .filter((definer) => !allows(definer, guest))
        .sort((a, b) => (orderOf(a, guest) < orderOf(b, guest) ? -1 : 1)); // independent of the order of arrival
      return refusing === undefined || isAllowed(guest) ? null : reason(guest, refusing);
    },
  };
}

/** Builds a test for patterns: a namespace, which may end in `*`, a slash, and a hostname or wildcard. */
export const allowList =
  (patterns: readonly string[]) =>
  ({ namespace, hostname }: GuestName): boolean =>
    patterns.some((pattern) => {
      const [place = '', host = ''] = pattern.split('/');
      const isHere = place.endsWith('*') ? namespace.startsWith(place.slice(0, -1)) : namespace === place;
      return isHere && covers(host.toLowerCase(), hostname);
    });

const orderOf = ({ namespace, hostname, registry }: Service, guest: GuestName): string =>
  [hostname === guest.hostname ? 0 : 1, namespace, hostname, registry].join(' ');

const allows = (definer: Service, guest: GuestName): boolean =>
  definer.namespace === guest.namespace && definer.labels[guestLabel] === 'allow';

function reason({ namespace, hostname, vips = [] }: GuestName, definer: Service): string {
  const names = namesOf(definer);
  const vip = patternsFor(hostname).some((name) => names.includes(name))
    ? undefined
    : vips.find((one) => names.includes(canonicalAddress(one)));
  const other = definer.hostname === hostname ? '' : ` (${definer.hostname})`;
  const label = definer.namespace === namespace ? `it has the label ${guestLabel}: allow, or ` : '';
  const what = vip === undefined ? hostname : `the address ${vip}`;
  return `${what}${other} is defined in the namespace "${definer.namespace}" (${definer.registry}): instances may register for it only if ${label}registration.allow in binnacle.yaml has ${serviceKey(namespace, hostname)}`;
}

/** Lists the names of a service, including its addresses and the short forms of Kubernetes names. */
function namesOf({ hostname, aliases, name, namespace, vips }: Service): readonly string[] {
  const isKubernetes = hostname.startsWith(`${name}.${namespace}.svc.`);
  const short = isKubernetes ? [name, `${name}.${namespace}`, `${name}.${namespace}.svc`] : [];
  return [hostname, ...aliases, ...short, ...vips.map(canonicalAddress)];
}

const namesAskedFor = ({ hostname, vips = [] }: GuestName): readonly string[] => [
  ...patternsFor(hostname),
  ...vips.map(canonicalAddress),
];

/** Lists the host and each wildcard that covers it: `*.b.c`, `*.c`, `*`. */
function patternsFor(host: string): readonly string[] {
  const labels = host.split('.');
  const wildcards = labels.slice(1).map((_, index) => `*.${labels.slice(index + 1).join('.')}`);
  return [...new Set([host, ...wildcards, '*'])];
}

function addTo<Value>(sets: Map<string, Set<Value>>, key: string, value: Value): void {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([value]));
  else set.add(value);
}

function removeFrom<Value>(sets: Map<string, Set<Value>>, key: string, value: Value): void {
  const set = sets.get(key);
  set?.delete(value);
  if (set?.size === 0) sets.delete(key);
}
