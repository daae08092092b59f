import type { IpFamilies } from './ip-families.ts';
import type { UnknownHosts } from './route.ts';

/** Part of an outbound layer that does not depend on services: the treatment of unknown traffic. */
export interface OutboundFixedPlan {
  readonly unknownHosts: UnknownHosts;
  readonly connectTimeoutMs: number;
  /** Interception of the application's connections; null without interception. */
  readonly captured: { readonly families: IpFamilies; readonly transparent: boolean } | null;
}
