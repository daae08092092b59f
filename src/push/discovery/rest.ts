import { fromJson, type JsonObject, type JsonValue, toBinary } from '@bufbuild/protobuf';
import { DiscoveryRequestSchema } from '#gen/envoy/service/discovery/v3/discovery_pb.js';
import { startSlices } from '../../lib/slices.ts';
import { resourceToJson } from '../../proto/json.ts';
import { type EncodedResource, typeUrls, type XdsType } from '../../proto/resource.ts';
import { RpcError } from '../../rpc/status.ts';
import type { DiscoveryOptions } from './discovery-stream.ts';
import { createFetch, type Fetched } from './fetch.ts';
import { inRestSources, type RestSource, restSourceOf } from './rest-source.ts';
import { type DiscoveryService, discoveryServices, isFetched } from './services.ts';

/** Answer to a DiscoveryRequest in JSON. */
export type RestAnswer =
  /** A DiscoveryResponse in JSON, in pieces. */
  | { readonly type: 'resources'; readonly pieces: Iterable<string> }
  /** The client has this version. */
  | { readonly type: 'unchanged' }
  /** The request cannot be answered as it is. */
  | { readonly type: 'invalid'; readonly message: string }
  /** A required part has not synced yet. */
  | { readonly type: 'unready'; readonly message: string };

/** Path to which Envoy posts requests for one type, with its handler. `body` is parsed JSON. */
export interface RestEndpoint {
  readonly path: string;
  answer(body: unknown, signal: AbortSignal): Promise<RestAnswer>;
}

export interface RestOptions extends DiscoveryOptions {
  /** Yields to other work between parts of an answer. */
  readonly pause: () => Promise<void>;
  /** Monotonic time in milliseconds. */
  readonly elapsed: () => number;
}

/** Creates the endpoints of discovery over REST: the four types with tables, at the paths of Envoy's API. */
export function restEndpoints(options: RestOptions): readonly RestEndpoint[] {
  const { identifier } = options.coordinator.context;
  const fetch = createFetch(options);
  const texts = createTexts(options);
  const answer = async (service: DiscoveryService, body: unknown, signal: AbortSignal): Promise<RestAnswer> => {
    const { message, source } = readBody(body);
    const fetched = await fetch(service, message, restPeer);
    if (fetched.isKnown) return { type: 'unchanged' };
    return { type: 'resources', pieces: pieces(fetched, await texts(fetched, signal), { source, identifier }) };
  };
  return discoveryServices.flatMap((service) => {
    if (service.fetch === null || !isFetched(service)) return [];
    const path = `/v3/discovery:${service.fetch.slice('Fetch'.length).toLowerCase()}`;
    return [{ path, answer: (body, signal) => answer(service, body, signal).catch(refusal) }];
  });
}

/** Caller of all REST requests: HTTP proves no identities. */
const restPeer = { key: 'clients over REST', workload: null };

function refusal(error: unknown): RestAnswer {
  if (!(error instanceof RpcError)) throw error;
  const { code, message } = error.status;
  if (code === 'INVALID_ARGUMENT') return { type: 'invalid', message };
  if (code === 'UNAVAILABLE' || code === 'RESOURCE_EXHAUSTED') return { type: 'unready', message };
  throw error;
}

/**
 * Converts a JSON body to the bytes of a gRPC request. Fields that are not read are removed, because they may have
 * unknown types.
 */
function readBody(body: unknown): { readonly message: Uint8Array; readonly source: RestSource | null } {
  if (!isObject(body)) throw invalid('the body must be a JSON object');
  const { node, error_detail: errorDetail = body.errorDetail, errorDetail: _, ...rest } = body;
  try {
    const json = {
      ...rest,
      ...(isObject(node) ? { node: { ...node, extensions: [] } } : node === undefined ? {} : { node }),
      ...(isObject(errorDetail) ? { errorDetail: { ...errorDetail, details: [] } } : {}),
    };
    const request = fromJson(DiscoveryRequestSchema, json, { ignoreUnknownFields: true });
    return { message: toBinary(DiscoveryRequestSchema, request), source: restSourceOf(request.node?.metadata ?? {}) };
  } catch (cause) {
    if (cause instanceof RpcError) throw cause;
    throw invalid(cause instanceof Error ? cause.message : String(cause)); // fromJson throws errors only
  }
}

const invalid = (why: string) => new RpcError('INVALID_ARGUMENT', `the body is no DiscoveryRequest: ${why}`);

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value); // parsed JSON

/** Creates a cache of resources in JSON, each converted once. A thousand polling clients cost as much as one. */
function createTexts({ pause, elapsed }: Pick<RestOptions, 'pause' | 'elapsed'>) {
  const known = new WeakMap<EncodedResource, string>();
  const textOf = (type: XdsType, resource: EncodedResource): string => {
    const text =
      known.get(resource) ??
      JSON.stringify({ '@type': typeUrls[type], ...resourceToJson(type, resource, { names: 'proto' }) });
    known.set(resource, text);
    return text;
  };
  let last: Promise<unknown> = Promise.resolve();
  /** Answers are converted one after another, so that their turns together leave room for other work. */
  return ({ type, resources }: Fetched, signal: AbortSignal): Promise<readonly string[]> => {
    const mine = last.then(async () => {
      const made: string[] = [];
      const slices = startSlices({ pause, elapsed });
      for (const resource of resources) {
        if (signal.aborted) break;
        made.push(textOf(type, resource));
        if (slices.isOver) await slices.next();
      }
      return made;
    });
    last = mine.catch(() => {});
    return mine;
  };
}

function* pieces(
  { type, version }: Fetched,
  texts: readonly string[],
  { source, identifier }: { readonly source: RestSource | null; readonly identifier: string },
): Generator<string> {
  const head: JsonValue = { version_info: version, type_url: typeUrls[type], control_plane: { identifier } };
  yield `${JSON.stringify(head).slice(0, -1)},"resources":[`;
  let separator = '';
  for (const text of texts) {
    yield `${separator}${source === null ? text : inRestSources(text, source)}`;
    separator = ',\n';
  }
  yield ']}';
}
