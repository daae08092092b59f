import { contentHash } from '../../lib/hash.ts';
import type { WorkloadIdentity } from '../../model/caller-authentication.ts';
import { type EncodedResource, recordParts, typeRows, typeUrls, type XdsType } from '../../proto/resource.ts';
import { RpcError } from '../../rpc/status.ts';
import { type Rate, TokenBucket } from '../../rpc/token-bucket.ts';
import { decisiveSentence } from '../../xds/stream/error-text.ts';
import { absentResource } from '../../xds/tables/absent.ts';
import type { NamePool, NameSet } from '../../xds/tables/names.ts';
import type { Table } from '../../xds/tables/table.ts';
import { responseHead } from '../../xds/wire/build-response.ts';
import { parseSotwRequest, type SotwRequest } from '../../xds/wire/request.ts';
import { admittedProxy } from './admission.ts';
import { type DiscoveryOptions, requestedTypeOf, statusOf } from './discovery-stream.ts';
import type { DiscoveryService } from './services.ts';

/** Answer to a single DiscoveryRequest: the first response that a new state-of-the-world stream would be sent for it. */
export interface Fetched {
  readonly type: XdsType;
  /** Hash of the content: equal for equal content, on every replica and across restarts. */
  readonly version: string;
  /** True if the request had this version in its `version_info`: the client has all of it. */
  readonly isKnown: boolean;
  readonly resources: readonly EncodedResource[];
}

/**
 * Fetches the resources of a DiscoveryRequest, given as bytes, for this caller. Throws RpcError for a request that
 * cannot be answered.
 */
export type Fetch = (service: DiscoveryService, message: Uint8Array, caller: FetchCaller) => Promise<Fetched>;

export interface FetchCaller {
  /** Key as in `Caller`. */
  readonly key: string;
  /** Workload that its token proves; null without one. */
  readonly workload: WorkloadIdentity | null;
}

/** Creates a fetcher for requests without a stream. It stores nothing about callers. */
export function createFetch(options: DiscoveryOptions): Fetch {
  const { coordinator, log } = options;
  const versionOf = createTableVersions();
  const logLines = new TokenBucket(rejectionLines, coordinator.context.now());
  return async (service, message, caller) => {
    requireSynced(options);
    const request = readRequest(message);
    const { type } = requestedTypeOf(request, service);
    if (type === null) throw new RpcError('UNIMPLEMENTED', `${service.short} is not served without a stream`);
    const proxy = admittedProxy(request.node, caller.workload, options);
    if (request.error !== null && logLines.take(coordinator.context.now())) {
      log.warn({ proxy: proxy.id, type, reason: decisiveSentence(request.error, '') }, 'resources rejected by proxy');
    }
    const listed = readNames(coordinator.context.names, request);
    const query = { type, listed, wildcard: isWildcard(type, listed) };
    return coordinator.readOnce(proxy, caller.key, (view) => {
      const resources = resourcesOf(view[type], query);
      const isWhole = query.wildcard && resources.length === sizeOf(view[type]);
      const version = isWhole ? versionOf(view[type]) : versionOfAll(resources);
      const isKnown = request.version === version;
      coordinator.observer.fetched(type, isKnown);
      return { type, version, isKnown, resources };
    });
  };
}

/** Limit of log lines about rejections by clients without a stream, in total. */
const rejectionLines: Rate = { burst: 100, perSecond: 10 };

/** Throws until every required adapter has synced. */
export function requireSynced({ awaited }: Pick<DiscoveryOptions, 'awaited'>): void {
  const names = awaited();
  if (names.length === 0) return;
  throw new RpcError('UNAVAILABLE', `not ready: waiting for the first sync of ${names.join(', ')}`);
}

/** Encodes a DiscoveryResponse. It has no nonce, because it is not acknowledged. */
export function fetchedMessage({ type, version, resources }: Fetched, identifier: string): Uint8Array {
  const head = responseHead('sotw', { version, typeUrl: typeUrls[type], nonce: '', identifier });
  return Buffer.concat([head, ...resources.flatMap((resource) => recordParts(resource, 'sotw'))]);
}

function readRequest(message: Uint8Array): SotwRequest {
  try {
    return parseSotwRequest(message);
  } catch (cause) {
    throw statusOf(cause);
  }
}

function readNames(names: NamePool, request: SotwRequest): NameSet {
  try {
    return names.fromField(request.names);
  } catch (cause) {
    throw statusOf(cause);
  }
}

interface ResourceQuery {
  readonly type: XdsType;
  readonly listed: NameSet;
  readonly wildcard: boolean;
}

/**
 * Returns true for a wildcard. A request without names is one for clusters and listeners, whose names clients cannot
 * know.
 */
const isWildcard = (type: XdsType, { size, has }: NameSet): boolean =>
  has('*') || (size === 0 && typeRows[type].isWhole);

function resourcesOf(tables: readonly Table[], { type, listed, wildcard }: ResourceQuery): readonly EncodedResource[] {
  const resources: EncodedResource[] = [];
  if (wildcard) for (const { entries } of tables) for (const { resource } of entries.values()) resources.push(resource);
  for (const name of listed.names) {
    if (name === '*') continue;
    const present = tables.find((table) => table.get(name) !== undefined)?.get(name)?.resource;
    const resource = present ?? absentResource(type, name);
    if (resource !== null && !(wildcard && present !== undefined)) resources.push(resource);
  }
  return resources;
}

const sizeOf = (tables: readonly Table[]): number => tables.reduce((sum, { size }) => sum + size, 0);

/**
 * Creates a cache of versions of whole tables, which most polls request. A version is valid until its table changes.
 */
function createTableVersions(): (tables: readonly Table[]) => string {
  const known = new WeakMap<Table, { readonly revision: number; readonly version: string }>();
  const ofTable = (table: Table): string => {
    const { revision, entries } = table;
    let found = known.get(table);
    if (found?.revision !== revision) {
      found = { revision, version: versionOfAll(entries.values().map(({ resource }) => resource)) };
      known.set(table, found);
    }
    return found.version;
  };
  return (tables) => contentHash(tables.map(ofTable).join(' '));
}

/** Hashes names and versions, independently of their order. */
function versionOfAll(resources: Iterable<EncodedResource>): string {
  const lines = Array.from(resources, ({ name, version }) => `${version} ${name}\n`);
  return contentHash(lines.sort().join(''));
}
