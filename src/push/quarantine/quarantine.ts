import type { ClientKind, Proxy } from '../../model/proxy.ts';
import type { KnownRejections, PartVersion, RejectedVersion } from '../../xds/isolation/known-rejections.ts';
import type { ResourcePart } from '../../xds/isolation/partition.ts';
import type { Sender } from '../../xds/tables/sender.ts';
import type { Caller } from '../caller.ts';

/** A proxy, and who it is beyond what it says. */
export interface KnownProxy {
  readonly proxy: Pick<Proxy, 'id' | 'client'>;
  readonly caller: Caller;
}

/** A proxy that rejects something. */
export interface Witness {
  readonly id: string;
  readonly client: ClientKind;
  /** Equal for those that count as one: of a certificate or an address. On this machine each proxy counts for itself. */
  readonly peer: string;
}

/** A version of a part that proxies reject, and what is known of it. */
export interface Finding extends PartVersion {
  /** The version that proxies had before; null: none of them had any. */
  readonly lastGood: ResourcePart | null;
  /** The words of the proxy that rejected it last. */
  readonly error: string;
  /** The constraint of Envoy (ADR 10) that it violates: proof that it is bad. Null: none. */
  readonly violation: string | null;
  /** The rules, or services, that are to be corrected. */
  readonly blamed: readonly string[];
  /** The proxies that reject it, by caller and node id. */
  readonly rejectedBy: ReadonlyMap<string, Witness>;
  /** The kinds of proxies of which one took it. */
  readonly takenBy: ReadonlySet<ClientKind>;
  /** When it was found, and when it was last in a table: milliseconds since the Unix epoch. */
  readonly foundAtMs: number;
  readonly seenAtMs: number;
}

/** Looks at a version of a part that was not known to be rejected. */
export interface Look {
  /** The rules, or services, that are to be corrected. */
  readonly blamedFor: (guilty: RejectedVersion) => readonly string[];
  /** Finds the constraint of Envoy that a part violates; null: none. */
  readonly violationOf: (guilty: RejectedVersion) => string | null;
}

/**
 * What is known of rejected resources beyond the streams on which they were rejected. A proxy that is new is spared what two
 * others of its kind, of different peers, reject and none took, or one if it is against Envoy's own constraints; it is sent the last good version in its place. A proxy that comes back with a
 * configuration is spared what it rejected before. One that comes with none is asked again, as its bootstrap may be another.
 */
export interface Quarantine extends KnownRejections {
  /** A proxy was found to reject these. */
  found(by: KnownProxy, guilty: readonly RejectedVersion[], look: Look): void;
  /** A proxy took this version. */
  taken(by: KnownProxy, version: PartVersion): void;
  /** Whether this version of a part was found to be against Envoy's constraints. */
  isProven(version: PartVersion): boolean;
  /** Whether a rule or service is to be corrected for this version of a part. */
  blames(origin: string, version: PartVersion): boolean;
  get(version: PartVersion): Finding | undefined;
  findings(): IteratorObject<Finding>;
  /** Drops what has not been in any table for an hour. `isThere` says whether a version is in one. */
  sweep(isThere: (version: PartVersion) => boolean): void;
  /** Takes what an earlier run left. What is found already stays. */
  restore(findings: readonly Finding[]): void;
  /** Calls `listener` when something changed that is worth keeping. */
  onChange(listener: () => void): void;
}

export interface QuarantineOptions {
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** The proxy that a stream sends to; null: none. */
  readonly proxyOf: (client: Sender) => KnownProxy | null;
}

/** More are not remembered: the oldest go. */
const mostFindings = 1_000;
const mostProxies = 100;
/** How long a finding is kept that is in no table: a rule may come back as it was. */
const keptMs = 3_600_000;
/** So many peers must reject something before others of their kind are spared it. */
const enoughPeers = 2;

export function createQuarantine({ now, proxyOf }: QuarantineOptions): Quarantine {
  const findings = new Map<string, Finding>();
  const listeners: (() => void)[] = [];
  const changed = (): void => {
    for (const listener of listeners) listener();
  };

  const put = (finding: Finding): void => {
    findings.set(keyOf(finding), finding);
    if (findings.size > mostFindings) findings.delete(findings.keys().next().value ?? '');
    changed();
  };

  const isSpared = (finding: Finding, known: KnownProxy, hasConfiguration: boolean): boolean => {
    const { rejectedBy, takenBy, violation } = finding;
    const { client } = known.proxy;
    if (rejectedBy.has(keyOfProxy(known))) return hasConfiguration;
    if (takenBy.has(client)) return false;
    const alike = [...rejectedBy.values()].filter((witness) => witness.client === client);
    return new Set(alike.map(({ peer }) => peer)).size >= (violation === null ? enoughPeers : 1);
  };

  return {
    get size() {
      return findings.size;
    },
    onChange: (listener) => void listeners.push(listener),
    isKnown: (version) => findings.has(keyOf(version)),
    lastGood: (version) => findings.get(keyOf(version))?.lastGood ?? null,
    knownFor(client, type, hasConfiguration) {
      const proxy = client === null ? null : proxyOf(client);
      if (proxy === null) return [];
      return [...findings.values()].filter((one) => one.type === type && isSpared(one, proxy, hasConfiguration));
    },
    found(by, guilty, { blamedFor, violationOf }) {
      for (const part of guilty) {
        const before = findings.get(keyOf(part));
        const rejectedBy = new Map(before?.rejectedBy).set(keyOfProxy(by), witnessOf(by));
        if (rejectedBy.size > mostProxies) rejectedBy.delete(rejectedBy.keys().next().value ?? '');
        put({
          type: part.type,
          name: part.name,
          part: part.part,
          hash: part.hash,
          lastGood: part.lastGood ?? before?.lastGood ?? null,
          error: part.error.slice(0, longestError),
          violation: before === undefined ? violationOf(part) : before.violation,
          blamed: before?.blamed ?? blamedFor(part),
          rejectedBy,
          takenBy: before?.takenBy ?? new Set(),
          foundAtMs: before?.foundAtMs ?? now(),
          seenAtMs: now(),
        });
      }
    },
    taken(by, version) {
      const finding = findings.get(keyOf(version));
      const [key, { client }] = [keyOfProxy(by), by.proxy];
      if (finding === undefined || (finding.takenBy.has(client) && !finding.rejectedBy.has(key))) return;
      put({ ...finding, takenBy: new Set([...finding.takenBy, client]), rejectedBy: without(finding.rejectedBy, key) });
    },
    isProven: (version) => (findings.get(keyOf(version))?.violation ?? null) !== null,
    blames: (origin, version) => findings.get(keyOf(version))?.blamed.includes(origin) === true,
    get: (version) => findings.get(keyOf(version)),
    findings: () => findings.values(),
    sweep(isThere) {
      for (const [key, finding] of findings) {
        if (isThere(finding)) findings.set(key, { ...finding, seenAtMs: now() });
        else if (now() - finding.seenAtMs > keptMs) {
          findings.delete(key);
          changed();
        }
      }
    },
    restore(earlier) {
      for (const finding of earlier) {
        if (!findings.has(keyOf(finding))) findings.set(keyOf(finding), { ...finding, seenAtMs: now() });
      }
    },
  };
}

const longestError = 4_096;

const keyOfProxy = ({ proxy, caller }: KnownProxy): string => JSON.stringify([caller.key, proxy.id]);

function witnessOf({ proxy: { id, client }, caller }: KnownProxy): Witness {
  return { id, client, peer: caller.by === 'loopback' ? JSON.stringify([caller.key, id]) : caller.key };
}

const keyOf = ({ type, name, part, hash }: PartVersion): string => JSON.stringify([type, name, part, hash]);

function without<K, V>(map: ReadonlyMap<K, V>, key: K): ReadonlyMap<K, V> {
  const left = new Map(map);
  left.delete(key);
  return left;
}
