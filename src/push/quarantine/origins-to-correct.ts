import type { Revision } from '../../xds/tables/table.ts';

/** Contributors to a rejected part, with the revisions of their changes. */
export interface Suspects {
  /** Rules, by id, and services (`service/namespace/host`) that contributed to the part. */
  readonly origins: readonly string[];
  /** Last revision of the part that the proxy accepted. */
  readonly acceptedThrough: Revision;
  /** Returns the revision of a rule's last change. */
  readonly revisionOf: (origin: string) => Revision;
}

/**
 * Selects the origins that must be corrected. Rules that changed since the part was last accepted come first. Among
 * them, the kind with the most influence on the part counts: for routes, VirtualService. Services count only without
 * rules: a registry need not be corrected for the translation of its entries.
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

/** Kinds by influence: patches, routes, then the policies that routes use. */
const kindsByWeight: readonly string[] = ['EnvoyFilter', 'VirtualService', 'DestinationRule'];
