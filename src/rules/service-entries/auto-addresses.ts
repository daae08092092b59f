import { hashNumber } from '../../lib/hash.ts';
import { addTo, removeFrom } from '../../lib/sets-by-key.ts';
import type { ServiceKey } from '../../model/names.ts';

/** Addresses of a host that has none of its own: one of each family. */
export type AutoAddresses = readonly [ipv4: string, ipv6: string];

/**
 * Allocation of addresses to hosts, from 240.240.0.0/16 and 2001:2::/48, as Istio does. Each host has a sequence of places that
 * follows from its name, and gets the first one that no older host has. The allocation is therefore a function of the
 * hosts and their ages: replicas agree, and it survives restarts.
 */
export interface AutoAddressPool {
  /** Adds a host, or changes its age. */
  claim(key: ServiceKey, createdAtMs: number): void;
  release(key: ServiceKey): void;
  /** Returns the addresses of a host; null if it has no claim, or too many older hosts have its places. */
  of(key: ServiceKey): AutoAddresses | null;
  /** Returns the hosts whose addresses changed since the last call. */
  takeMoved(): readonly ServiceKey[];
}

interface AddressClaim {
  readonly key: ServiceKey;
  readonly createdAtMs: number;
  /** Position of its place in its sequence; `attempts` without a place. */
  attempt: number;
}

/** Length of a sequence. With half of all places taken, one host of 2^64 gets none. */
const attempts = 64;

const placesPerOctet = 254; // without 0 and 255
const places = 256 * placesPerOctet;

export function createAutoAddressPool(placeOf: (key: ServiceKey, attempt: number) => number = hashedPlace) {
  const claims = new Map<ServiceKey, AddressClaim>();
  const holders = new Map<number, AddressClaim>();
  /** Hosts that did not get a place because an older one has it. */
  const waiting = new Map<number, Set<AddressClaim>>();
  const moved = new Set<ServiceKey>();

  /** Gives a host the first place, from `from` on, that no older host has. The host there moves on. */
  function settle(claim: AddressClaim, from: number): void {
    for (let attempt = from; attempt < attempts; attempt++) {
      const place = placeOf(claim.key, attempt);
      const holder = holders.get(place);
      if (holder !== undefined && precedes(holder, claim)) {
        addTo(waiting, place, claim);
        continue;
      }
      holders.set(place, claim);
      claim.attempt = attempt;
      moved.add(claim.key);
      if (holder === undefined) return;
      addTo(waiting, place, holder);
      settle(holder, holder.attempt + 1);
      return;
    }
    claim.attempt = attempts;
    moved.add(claim.key);
  }

  /** Takes a host from its place and from all for which it waits. The oldest one that waits for the place gets it. */
  function leave(claim: AddressClaim): void {
    const { attempt } = claim;
    for (let before = 0; before < attempt; before++) removeFrom(waiting, placeOf(claim.key, before), claim);
    if (attempt === attempts) return;
    const place = placeOf(claim.key, attempt);
    holders.delete(place);
    const [next] = [...(waiting.get(place) ?? [])].sort((a, b) => (precedes(a, b) ? -1 : 1));
    if (next === undefined) return;
    leave(next);
    settle(next, 0);
  }

  const pool: AutoAddressPool = {
    claim(key, createdAtMs) {
      const known = claims.get(key);
      if (known?.createdAtMs === createdAtMs) return;
      if (known !== undefined) leave(known);
      const claim = { key, createdAtMs, attempt: attempts };
      claims.set(key, claim);
      settle(claim, 0);
    },
    release(key) {
      const known = claims.get(key);
      if (known === undefined) return;
      claims.delete(key);
      leave(known);
      moved.add(key);
    },
    of(key) {
      const attempt = claims.get(key)?.attempt ?? attempts;
      return attempt === attempts ? null : addressesAt(placeOf(key, attempt));
    },
    takeMoved() {
      const keys = [...moved];
      moved.clear();
      return keys;
    },
  };
  return pool;
}

const hashedPlace = (key: ServiceKey, attempt: number): number => hashNumber(`${key} ${attempt}`, places);

const precedes = (a: AddressClaim, b: AddressClaim): boolean =>
  a.createdAtMs < b.createdAtMs || (a.createdAtMs === b.createdAtMs && a.key < b.key);

const addressesAt = (place: number): AutoAddresses => [
  `240.240.${Math.floor(place / placesPerOctet)}.${(place % placesPerOctet) + 1}`,
  `2001:2::f0f0:${(place + 1).toString(16)}`,
];
