import type { ClientKind, Proxy } from '../../model/proxy.ts';
import type { KnownRejections, PartVersion, RejectedVersion } from '../../xds/isolation/known-rejections.ts';
import type { ResourcePart } from '../../xds/isolation/partition.ts';
import type { Sender } from '../../xds/tables/sender.ts';
import type { Caller } from '../caller.ts';

/** A proxy, and who it is beyond what it says. */
export interface IdentifiedProxy {
  readonly proxy: Pick<Proxy, 'id' | 'client'>;
  readonly caller: Caller;
}

/** A proxy that rejects something. */
export interface RejectingProxy {
  readonly id: string;
  readonly client: ClientKind;
  /** Equal for those that count as one: of a certificate or an address. On this machine each proxy counts for itself. */
  readonly peer: string;
}

/** A version of a part that proxies reject, and what is known of it. */
export interface QuarantinedPart extends PartVersion {
  /** The version that proxies had before; null: none of them had any. */
  readonly lastGood: ResourcePart | null;
  /** The words of the proxy that rejected it last. */
  readonly error: string;
  /** The constraint of Envoy (ADR 10) that it violates: proof that it is bad. Null: none. */
  readonly violation: string | null;
  /** The rules, or services, that are to be corrected. */
  readonly toCorrect: readonly string[];
  /** The proxies that reject it, by caller and node id. */
  readonly rejectedBy: ReadonlyMap<string, RejectingProxy>;
  /** The kinds of proxies of which one took it. */
  readonly acceptedBy: ReadonlySet<ClientKind>;
  /** When it was found, and when it was last in a table: milliseconds since the Unix epoch. */
  readonly foundAtMs: number;
  readonly seenAtMs: number;
}

/** Analysis of a version that is rejected for the first time. */
export interface PartAnalysis {
  /** The rules, or services, that are to be corrected. */
  readonly originsToCorrect: (rejected: RejectedVersion) => readonly string[];
  /** Finds the constraint of Envoy that a part violates; null: none. */
  readonly violationOf: (rejected: RejectedVersion) => string | null;
}

/**
 * Record of rejected resources that outlives their streams. A new proxy is not sent a version that two proxies of its kind
 * from different peers reject and none accepted; one rejection suffices if the version violates Envoy's own constraints. It
 * is sent the last good version instead. A proxy that reconnects with a configuration is not sent what it rejected before.
 * One that reconnects without is sent it again, as its bootstrap may have changed.
 */
export interface Quarantine extends KnownRejections {
  /** Records that a proxy rejects these versions. */
  rejected(by: IdentifiedProxy, versions: readonly RejectedVersion[], analysis: PartAnalysis): void;
  /** Records that a proxy accepted this version. */
  accepted(by: IdentifiedProxy, version: PartVersion): void;
  /** Whether this version of a part violates Envoy's constraints. */
  isProven(version: PartVersion): boolean;
  /** Whether a rule or service must be corrected for this version of a part. */
  isToCorrect(origin: string, version: PartVersion): boolean;
  get(version: PartVersion): QuarantinedPart | undefined;
  parts(): IteratorObject<QuarantinedPart>;
  /** Drops what has not been in any table for an hour. `isThere` says whether a version is in one. */
  sweep(isThere: (version: PartVersion) => boolean): void;
  /** Takes what an earlier run left. What is found already stays. */
  restore(findings: readonly QuarantinedPart[]): void;
  /** Calls `listener` when something changed that is worth keeping. */
  onChange(listener: () => void): void;
}

export interface QuarantineOptions {
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** The proxy that a stream sends to; null: none. */
  readonly proxyOf: (client: Sender) => IdentifiedProxy | null;
}

/** More are not remembered: the oldest go. */
const maxParts = 1_000;
const maxProxies = 100;
/** How long a finding is kept that is in no table: a rule may come back as it was. */
const forgottenAfterMs = 3_600_000;
/** So many peers must reject something before others of their kind are spared it. */
const minRejectingPeers = 2;

export function createQuarantine({ now, proxyOf }: QuarantineOptions): Quarantine {
  const partsByKey = new Map<string, QuarantinedPart>();
  const listeners: (() => void)[] = [];
  const changed = (): void => {
    for (const listener of listeners) listener();
  };

  const put = (finding: QuarantinedPart): void => {
    partsByKey.set(keyOf(finding), finding);
    if (partsByKey.size > maxParts) partsByKey.delete(partsByKey.keys().next().value ?? '');
    changed();
  };

  const isWithheld = (finding: QuarantinedPart, known: IdentifiedProxy, hasConfiguration: boolean): boolean => {
    const { rejectedBy, acceptedBy, violation } = finding;
    const { client } = known.proxy;
    if (rejectedBy.has(keyOfProxy(known))) return hasConfiguration;
    if (acceptedBy.has(client)) return false;
    const alike = [...rejectedBy.values()].filter((witness) => witness.client === client);
    return new Set(alike.map(({ peer }) => peer)).size >= (violation === null ? minRejectingPeers : 1);
  };

  return {
    get size() {
      return partsByKey.size;
    },
    onChange: (listener) => void listeners.push(listener),
    isKnown: (version) => partsByKey.has(keyOf(version)),
    lastGood: (version) => partsByKey.get(keyOf(version))?.lastGood ?? null,
    knownFor(client, type, hasConfiguration) {
      const proxy = client === null ? null : proxyOf(client);
      if (proxy === null) return [];
      return [...partsByKey.values()].filter((one) => one.type === type && isWithheld(one, proxy, hasConfiguration));
    },
    rejected(by, versions, { originsToCorrect, violationOf }) {
      for (const part of versions) {
        const before = partsByKey.get(keyOf(part));
        const rejectedBy = new Map(before?.rejectedBy).set(keyOfProxy(by), rejectingProxyOf(by));
        if (rejectedBy.size > maxProxies) rejectedBy.delete(rejectedBy.keys().next().value ?? '');
        put({
          type: part.type,
          name: part.name,
          part: part.part,
          hash: part.hash,
          lastGood: part.lastGood ?? before?.lastGood ?? null,
          error: part.error.slice(0, maxErrorLength),
          violation: before === undefined ? violationOf(part) : before.violation,
          toCorrect: before?.toCorrect ?? originsToCorrect(part),
          rejectedBy,
          acceptedBy: before?.acceptedBy ?? new Set(),
          foundAtMs: before?.foundAtMs ?? now(),
          seenAtMs: now(),
        });
      }
    },
    accepted(by, version) {
      const finding = partsByKey.get(keyOf(version));
      const [key, { client }] = [keyOfProxy(by), by.proxy];
      if (finding === undefined || (finding.acceptedBy.has(client) && !finding.rejectedBy.has(key))) return;
      put({
        ...finding,
        acceptedBy: new Set([...finding.acceptedBy, client]),
        rejectedBy: without(finding.rejectedBy, key),
      });
    },
    isProven: (version) => (partsByKey.get(keyOf(version))?.violation ?? null) !== null,
    isToCorrect: (origin, version) => partsByKey.get(keyOf(version))?.toCorrect.includes(origin) === true,
    get: (version) => partsByKey.get(keyOf(version)),
    parts: () => partsByKey.values(),
    sweep(isThere) {
      for (const [key, finding] of partsByKey) {
        if (isThere(finding)) partsByKey.set(key, { ...finding, seenAtMs: now() });
        else if (now() - finding.seenAtMs > forgottenAfterMs) {
          partsByKey.delete(key);
          changed();
        }
      }
    },
    restore(earlier) {
      for (const finding of earlier) {
        if (!partsByKey.has(keyOf(finding))) partsByKey.set(keyOf(finding), { ...finding, seenAtMs: now() });
      }
    },
  };
}

const maxErrorLength = 4_096;

const keyOfProxy = ({ proxy, caller }: IdentifiedProxy): string => JSON.stringify([caller.key, proxy.id]);

function rejectingProxyOf({ proxy: { id, client }, caller }: IdentifiedProxy): RejectingProxy {
  return { id, client, peer: caller.by === 'loopback' ? JSON.stringify([caller.key, id]) : caller.key };
}

const keyOf = ({ type, name, part, hash }: PartVersion): string => JSON.stringify([type, name, part, hash]);

function without<K, V>(map: ReadonlyMap<K, V>, key: K): ReadonlyMap<K, V> {
  const left = new Map(map);
  left.delete(key);
  return left;
}
