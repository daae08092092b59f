import type { JsonObject } from '@bufbuild/protobuf';
import { RpcError } from '../../rpc/status.ts';

/** Source from which a client without gRPC fetches the resources that others refer to. */
export interface RestSource {
  /** Cluster of its bootstrap through which it polls. */
  readonly cluster: string;
  /** Protobuf duration: seconds as text. */
  readonly refreshDelay: string;
}

/**
 * Reads the source from the node's metadata, the only place that defines how a client polls. It has `REST_CLUSTER`, and
 * `REST_REFRESH` (default: `5s`). Null: resources refer to ADS, as on streams. Throws RpcError.
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

/** Replaces every ADS config source of a resource in JSON. Texts cannot match, because their quotes are escaped. */
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

/** Config source as written in JSON: fields in the order of the message. */
const adsSource = '{"ads":{},"resource_api_version":"V3"}';
