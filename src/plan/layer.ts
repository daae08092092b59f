import type { IpFamilies } from './listener.ts';
import type { RouteConfigurationPlan } from './route.ts';

/** What an outbound layer has whatever services there are: where unknown traffic goes. */
export interface OutboundFixedPlan {
  readonly unknownHosts: RouteConfigurationPlan['unknownHosts'];
  readonly connectTimeoutMs: number;
  /** How the kernel brings the application's connections; null where it does not. */
  readonly captured: { readonly families: IpFamilies; readonly transparent: boolean } | null;
}
