import type { RpcMethod } from '../../rpc/handlers/handler.ts';
import { RpcError } from '../../rpc/status.ts';
import { parseEverything, type Recognition, recognition } from '../../xds/recognition/recognition.ts';
import type { Mode } from '../../xds/wire/response.ts';
import { callerOf } from '../caller.ts';
import { authenticateStream, workloadOf } from './admission.ts';
import { type DiscoveryOptions, DiscoveryStream } from './discovery-stream.ts';
import { createFetch, type Fetch, fetchedMessage, requireSynced } from './fetch.ts';
import { type DiscoveryService, discoveryServices, isFetched } from './services.ts';

/** Creates the methods of every discovery service: ADS, and those of a single type. */
export function discoveryMethods(options: DiscoveryOptions): readonly RpcMethod[] {
  const { identifier } = options.coordinator.context;
  const fetch = createFetch(options);
  const make = options.recognises === false ? parseEverything : recognition;
  const recognitions = { sotw: make('sotw'), delta: make('delta') };
  return discoveryServices.flatMap((service) => [
    ...streamingMethods(service, recognitions, options),
    ...fetchMethod(service, { fetch, identifier, options }),
  ]);
}

function streamingMethods(
  service: DiscoveryService,
  recognitions: Readonly<Record<Mode, Recognition>>,
  options: DiscoveryOptions,
): readonly RpcMethod[] {
  return service.methods.map(({ name, mode }) => ({
    type: 'streaming',
    path: `/${service.name}/${name}`,
    open(call) {
      requireSynced(options);
      const stream = new DiscoveryStream(call, { mode, service, recognition: recognitions[mode] }, options);
      if (options.authentication !== undefined) authenticateStream(call, stream, options);
      return stream;
    },
  }));
}

/**
 * Creates the unary method. It answers in full even if the client has the version: gRPC has no status for "not
 * modified".
 */
function fetchMethod(
  service: DiscoveryService,
  {
    fetch,
    identifier,
    options,
  }: { readonly fetch: Fetch; readonly identifier: string; readonly options: DiscoveryOptions },
): readonly RpcMethod[] {
  if (service.fetch === null) return [];
  const path = `/${service.name}/${service.fetch}`;
  if (!isFetched(service)) return [{ type: 'unary', path, handle: async () => rejectFetch(service) }];
  return [
    {
      type: 'unary',
      path,
      compress: true,
      async handle(request, call) {
        const workload = await workloadOf(call, options);
        const caller = { key: callerOf({ ...call, workload }).key, workload };
        return fetchedMessage(await fetch(service, request, caller), identifier);
      },
    },
  ];
}

/** Rejects a unary call with the alternative to use. */
function rejectFetch({ fetch, methods }: DiscoveryService): never {
  const streams = methods.map(({ name }) => name).join(' or ');
  const advice = `${fetch} is not served: use ${streams}, or the AggregatedDiscoveryService (api_type GRPC, DELTA_GRPC)`;
  throw new RpcError('UNIMPLEMENTED', advice);
}
