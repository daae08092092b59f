import type { Method } from '../../rpc/handlers/handler.ts';
import { StatusError } from '../../rpc/status.ts';
import { type DiscoveryOptions, DiscoveryStream } from './discovery-stream.ts';
import { type DiscoveryService, discoveryServices } from './services.ts';

/** The methods of every discovery service: ADS, and those of a single type. */
export function discoveryMethods(options: DiscoveryOptions): readonly Method[] {
  return discoveryServices.flatMap((service) => [...streamingMethods(service, options), ...fetchMethod(service)]);
}

function streamingMethods(service: DiscoveryService, options: DiscoveryOptions): readonly Method[] {
  return service.methods.map(({ name, mode }) => ({
    type: 'streaming',
    path: `/${service.name}/${name}`,
    open(call) {
      const awaited = options.awaited();
      if (awaited.length > 0) {
        throw new StatusError('UNAVAILABLE', `not ready: waiting for the first sync of ${awaited.join(', ')}`);
      }
      return new DiscoveryStream(call, { mode, service }, options);
    },
  }));
}

/** Known, so that the answer can say what to use instead. */
function fetchMethod({ name, fetch, methods }: DiscoveryService): readonly Method[] {
  if (fetch === null) return [];
  const streams = methods.map((method) => method.name).join(' or ');
  const advice = `${fetch} is not served: use ${streams}, or the AggregatedDiscoveryService (api_type GRPC, DELTA_GRPC)`;
  return [
    {
      type: 'unary',
      path: `/${name}/${fetch}`,
      async handle() {
        throw new StatusError('UNIMPLEMENTED', advice);
      },
    },
  ];
}
