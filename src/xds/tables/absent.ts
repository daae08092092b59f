import { type EncodedResource, encodeResource, typeRows, type XdsType } from '../../proto/resource.ts';
import { stringField } from '../../proto/wire.ts';

/**
 * Resource that answers a request for an absent name. Envoy ignores `removed_resources` for routes and assignments and would
 * wait for them, so it is sent an empty one. Clusters and listeners are reported as removed (null).
 */
export function absentResource(type: XdsType, name: string): EncodedResource | null {
  if (typeRows[type].unknown !== 'empty') return null;
  return encodeResource(type, name, stringField(1, name), absentVersion); // such types have their name in field 1
}

/** Version of the empty resource of an absent name. A client that resumes with it needs no removal. */
export const absentVersion = 'absent';
