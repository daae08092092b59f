import { canonicalAddress } from '../lib/ip.ts';
import { covers, type Hostname, type ServiceKey, serviceKey } from '../model/names.ts';
import type { Service } from '../model/service.ts';

/** The label with which a service lets instances that register themselves join it, in its own namespace: `allow`. */
export const guestLabel = 'mesh.binnacle.dev/registration';

/** Names a service of a guest: one whose adapter tells of what registered itself. */
export interface GuestName {
  readonly namespace: string;
  readonly hostname: Hostname;
  /** The virtual addresses that it asks for. */
  readonly vips?: readonly string[] | undefined;
}

/** What other adapters define, so that guests do not take it. */
export interface Guests {
  /** A shard that is no guest tells of another service at `key`, or of none. */
  defined(shard: string, key: ServiceKey, service: Service | undefined): void;
  /** A guest tells of a service, or does not any more. */
  guestChanged(shard: string, key: ServiceKey, service: Service | undefined): void;
  /** Why a guest's instances may not serve this name; null: they may. */
  whyNot(guest: GuestName): string | null;
}

interface FiledGuest {
  readonly key: ServiceKey;
  readonly names: readonly string[];
}

export interface GuestsOptions {
  /** Whether the configuration lets a guest's instances join what others define. */
  readonly isAllowed: (guest: GuestName) => boolean;
  /** Told of guests whose answer may be another now. */
  readonly affected: (key: ServiceKey) => void;
}

export function createGuests({ isAllowed, affected }: GuestsOptions): Guests {
  /** Services of others, by shard and key, and by each name that they are called by. */
  const told = new Map<string, Service>();
  const byName = new Map<string, Set<Service>>();
  /** Guests' services by shard and key, and by all that they ask for. */
  const filed = new Map<string, FiledGuest>();
  const guests = new Map<string, Set<FiledGuest>>();

  const definersOf = (guest: GuestName): readonly Service[] =>
    namesAskedFor(guest).flatMap((name) => [...(byName.get(name) ?? [])]);

  return {
    defined(shard, key, service) {
      const id = `${shard} ${key}`;
      const before = told.get(id);
      if (service === undefined) told.delete(id);
      else told.set(id, service);
      if (before !== undefined) for (const name of namesOf(before)) removeFrom(byName, name, before);
      if (service !== undefined) for (const name of namesOf(service)) addTo(byName, name, service);
      for (const name of [before, service].flatMap((one) => (one === undefined ? [] : namesOf(one)))) {
        for (const { key: guest } of guests.get(name) ?? []) affected(guest);
      }
    },
    guestChanged(shard, key, service) {
      const id = `${shard} ${key}`;
      const before = filed.get(id);
      if (before !== undefined) for (const name of before.names) removeFrom(guests, name, before);
      filed.delete(id);
      if (service === undefined) return;
      const guest = { key, names: namesAskedFor(service) };
      filed.set(id, guest);
      for (const name of guest.names) addTo(guests, name, guest);
    },
    whyNot(guest) {
      const definers = definersOf(guest);
      const own = definers.filter((one) => one.namespace === guest.namespace && one.hostname === guest.hostname);
      const [refusing] = (own.length === 0 ? definers : own)
        .filter((definer) => !allows(definer, guest))
        .sort((a, b) => (orderOf(a, guest) < orderOf(b, guest) ? -1 : 1)); // the reason must not depend on who came first
      return refusing === undefined || isAllowed(guest) ? null : reason(guest, refusing);
    },
  };
}

/**
 * Whether one of the patterns fits: a namespace, which may end in `*`, a slash, and a hostname, which may be a wildcard.
 */
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

/** What clients may call a service: its addresses, too, and the short forms of Kubernetes' names, which some complete. */
function namesOf({ hostname, aliases, name, namespace, vips }: Service): readonly string[] {
  const isKubernetes = hostname.startsWith(`${name}.${namespace}.svc.`);
  const short = isKubernetes ? [name, `${name}.${namespace}`, `${name}.${namespace}.svc`] : [];
  return [hostname, ...aliases, ...short, ...vips.map(canonicalAddress)];
}

const namesAskedFor = ({ hostname, vips = [] }: GuestName): readonly string[] => [
  ...patternsFor(hostname),
  ...vips.map(canonicalAddress),
];

/** The host itself, and each wildcard that covers it: `*.b.c`, `*.c`, `*`. */
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
