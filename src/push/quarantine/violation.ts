import { resourceViolation } from '../../proto/json.ts';
import { type EncodedResource, encodeResource } from '../../proto/resource.ts';
import type { PartVersion } from '../../xds/isolation/known-rejections.ts';
import { partitionOf } from '../../xds/isolation/partition.ts';

/**
 * Checks the bytes of a part against Envoy's own constraints. Returns the violation; null if there is none, or if the
 * resource has another version by now.
 */
export function violationOf(
  { type, name, part, hash }: PartVersion,
  resource: EncodedResource | undefined,
): string | null {
  const found = resource === undefined ? undefined : partitionOf(type, resource).parts.get(part);
  if (found?.hash !== hash) return null;
  // A virtual host is a field of its route configuration. It is checked in a configuration of its own.
  const violation = resourceViolation(type, encodeResource(type, name, found.bytes, hash));
  return violation === null ? null : `${violation.path} ${violation.what}`;
}
