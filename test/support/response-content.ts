import { fromBinary } from '@bufbuild/protobuf';
import { DeltaDiscoveryResponseSchema, DiscoveryResponseSchema } from '#gen/envoy/service/discovery/v3/discovery_pb.js';
import type { Mode, Response } from '../../src/xds/wire/response.ts';
import { nameOf } from './ads-resources.ts';

/** Decodes a response as a client does: the messages inside the Anys, by name. */
export function contentOfResponse({ type, parts }: Response, mode: Mode): ReadonlyMap<string, Uint8Array> {
  const bytes = Buffer.concat(parts);
  const resources =
    mode === 'delta'
      ? fromBinary(DeltaDiscoveryResponseSchema, bytes).resources.map(({ resource }) => resource)
      : fromBinary(DiscoveryResponseSchema, bytes).resources;
  return new Map(
    resources.flatMap((any) => (any === undefined ? [] : [[nameOf(type, any.value), any.value] as const])),
  );
}
