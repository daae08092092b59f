import type { JsonObject } from '@bufbuild/protobuf';
import { RpcError } from '../../rpc/status.ts';

/** Source from which a client without gRPC fetches the resources that others refer to. */
export interface RestSource {
  /** The cluster of its bootstrap through which it polls. */
  readonly cluster: string;
  /** A protobuf duration: seconds as text. */
  readonly refreshDelay: string;
}

/**
 * Read from the node's metadata, as nothing else says how a client polls: `REST_CLUSTER`, and `REST_REFRESH` (`5s` when left out).
 * Null: resources refer to ADS, as they do on streams. Throws RpcError.
 */
export function restSourceOf({
  REST_CLUSTER: cluster,
  REST_REFRESH: refreshDelay = '5s',
}: JsonObject): RestSource | null {
  if (cluster === undefined || cluster === '') return null;
  if (typeof cluster !== 'string') throw invalid('REST_CLUSTER must be text, the name of a cluster in the bootstrap');
  if (typeof refreshDelay !== 'string' || !/^(?!0+(\.0+)?s$)\d{1,6}(\.\d{1,3})?s$/.test(refreshDelay)) {
    throw invalid('REST_REFRESH must be seconds above 0 as text, such as "5s"');
  }
  return { cluster, refreshDelay };
}

const invalid = (why: string) => new RpcError('INVALID_ARGUMENT', `node.metadata: ${why}`);

/** A resource in JSON, with every config source that says ADS replaced: quotes inside texts are escaped, so that it can only be one. */
export function inRestSources(text: string, { cluster, refreshDelay }: RestSource): string {
  const source = {
    resource_api_version: 'V3',
    api_config_source: {
      api_type: 'REST',
      transport_api_version: 'V3',
      cluster_names: [cluster],
      refresh_delay: refreshDelay,
    },
  };
  return text.replaceAll(adsSource, () => JSON.stringify(source));
}

/** As it stands in JSON: fields in the order of the message. */
const adsSource = '{"ads":{},"resource_api_version":"V3"}';
