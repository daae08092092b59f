import { type EncodedResource, encodeResource, typeRows, type XdsType } from '../../proto/resource.ts';
import { stringField } from '../../proto/wire.ts';

/**
 * What a client is told that asks for a name that does not exist. Envoy ignores `removed_resources` for routes and
 * assignments and would wait for them: it gets an empty one. Clusters and listeners are reported as removed (null).
 */
export function absentResource(type: XdsType, name: string): EncodedResource | null {
  if (typeRows[type].unknown !== 'empty') return null;
  return encodeResource(type, name, stringField(1, name), absentVersion); // such types have their name in field 1
}

/** The version of what stands in for an absent resource: a client that resumes with it has nothing to be told. */
export const absentVersion = 'absent';
