import type { ClientKind, Proxy } from '../../model/proxy.ts';
import type { KnownRejections, PartVersion, RejectedVersion } from '../../xds/isolation/known-rejections.ts';
import type { ResourcePart } from '../../xds/isolation/partition.ts';
import type { Sender } from '../../xds/tables/sender.ts';
import type { Caller } from '../caller.ts';

/** Proxy with its proved identity. */
export interface IdentifiedProxy {
  readonly proxy: Pick<Proxy, 'id' | 'client'>;
  readonly caller: Caller;
}

/** A proxy that rejects something. */
export interface RejectingProxy {
  readonly id: string;
  readonly client: ClientKind;
  /**
   * Peer, equal for proxies that count as one: those of a certificate or an address. On this machine each proxy counts
   * for itself.
   */
  readonly peer: string;
}

/** Version of a part that proxies reject, with all findings about it. */
export interface QuarantinedPart extends PartVersion {
  /** Version that proxies had before; null if none had any. */
  readonly lastGood: ResourcePart | null;
  /** Error text of the last rejection. */
  readonly error: string;
  /** Constraint of Envoy (ADR 10) that it violates, which proves that it is invalid; null for none. */
  readonly violation: string | null;
  /** Rules or services that must be corrected. */
  readonly toCorrect: readonly string[];
  /** Proxies that reject it, by caller and node id. */
  readonly rejectedBy: ReadonlyMap<string, RejectingProxy>;
  /** Kinds of proxies of which one accepted it. */
  readonly acceptedBy: ReadonlySet<ClientKind>;
  /** Times of its first rejection and of its last presence in a table, in milliseconds since the Unix epoch. */
  readonly foundAtMs: number;
  readonly seenAtMs: number;
}

/** Analysis of a version at its first rejection. */
export interface PartAnalysis {
  /** Returns the rules or services that must be corrected. */
  readonly originsToCorrect: (rejected: RejectedVersion) => readonly string[];
  /** Returns the constraint of Envoy that a part violates; null for none. */
  readonly violationOf: (rejected: RejectedVersion) => string | null;
}

/**
 * Record of rejected resources that outlives their streams. New proxies are not sent a version that two proxies of
 * their kind from different peers reject and none accepted. One rejection suffices if the version violates Envoy's own
 * constraints. They are sent the last good version instead. A proxy that reconnects with a configuration is not sent
 * versions that it rejected before. One that reconnects without configuration is sent them again, because its bootstrap
 * may have changed.
 */
export interface Quarantine extends KnownRejections {
  /** Records that a proxy rejects these versions. */
  rejected(by: IdentifiedProxy, versions: readonly RejectedVersion[], analysis: PartAnalysis): void;
  /** Records that a proxy accepted this version. */
  accepted(by: IdentifiedProxy, version: PartVersion): void;
  /** Returns true if this version of a part violates Envoy's constraints. */
  isProven(version: PartVersion): boolean;
  /** Returns true if a rule or service must be corrected for this version of a part. */
  isToCorrect(origin: string, version: PartVersion): boolean;
  get(version: PartVersion): QuarantinedPart | undefined;
  parts(): IteratorObject<QuarantinedPart>;
  /** Removes versions that were in no table for an hour. `isThere` returns true for a version in a table. */
  sweep(isThere: (version: PartVersion) => boolean): void;
  /** Adds findings of an earlier run. Existing findings stay. */
  restore(findings: readonly QuarantinedPart[]): void;
  /** Calls `listener` when findings changed that must be saved. */
  onChange(listener: () => void): void;
}

export interface QuarantineOptions {
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Returns the proxy to which a stream sends; null for none. */
  readonly proxyOf: (client: Sender) => IdentifiedProxy | null;
}

/** Limit of findings; the oldest are removed first. */
const maxParts = 1_000;
const maxProxies = 100;
/** Time to live of a finding that is in no table: a rule may return to it. */
const forgottenAfterMs = 3_600_000;
/** Number of peers whose rejection keeps a version from others of their kind. */
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
