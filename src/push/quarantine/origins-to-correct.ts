import type { Revision } from '../../xds/tables/table.ts';

/** The contributors to a rejected part, and when each changed. */
export interface Suspects {
  /** Rules, by id, and services (`service/namespace/host`) that contributed to the part. */
  readonly origins: readonly string[];
  /** The revision through which the proxy had taken the part. */
  readonly acceptedThrough: Revision;
  /** By which revision a rule is as it is. */
  readonly revisionOf: (origin: string) => Revision;
}

/**
 * Chooses who is to correct something. Rules that changed since the part was last taken come first, and of those the kind that
 * decides most about the part: routes are a VirtualService's. Services count only where no rule had a share: a registry is
 * not to be corrected for what was made of its entries.
 */
export function originsToCorrect({ origins, acceptedThrough: takenThrough, revisionOf }: Suspects): readonly string[] {
  const rules = origins.filter((origin) => !origin.startsWith('service/'));
  if (rules.length === 0) return origins;
  const changed = rules.filter((origin) => revisionOf(origin) > takenThrough);
  const suspects = changed.length > 0 ? changed : rules;
  for (const kind of kindsByWeight) {
    const own = suspects.filter((origin) => origin.startsWith(`${kind}/`));
    if (own.length > 0) return own;
  }
  return suspects;
}

/** A patch before what it patches, a route before the policy that it uses. */
const kindsByWeight: readonly string[] = ['EnvoyFilter', 'VirtualService', 'DestinationRule'];
