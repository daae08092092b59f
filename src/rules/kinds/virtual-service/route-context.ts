import type { HashKey, RetryPlan } from '../../../plan/route.ts';
import type { DestinationSpec } from './destination-schema.ts';
import type { VirtualService } from './index.ts';
import type { SourceContext } from './resolve-match.ts';

/** Field of a rule, for problems: `spec.http[0].route[1].destination`. Short hosts refer to the rule's namespace. */
export interface RulePart {
  readonly rule: VirtualService;
  readonly path: string;
}

/** Facts about the scope for which routes are resolved. */
export interface RouteContext extends SourceContext {
  /** Retries of routes without their own; null for none. */
  readonly defaultRetries: RetryPlan | null;
  /** Returns the name of a route's destination. Reports a missing one to the rule. */
  destinationName(destination: DestinationSpec, at: RulePart): string;
  /** Returns the part of a request whose hash chooses the endpoint of a rule's destination; null if nothing does. */
  hashKey(destination: DestinationSpec, rule: VirtualService): HashKey | null;
  /** Returns the VirtualService of this name; null if there is none. */
  virtualService(namespace: string, name: string): VirtualService | null;
  /** Returns true if clients in `namespace` see the rule. */
  isExportedTo(rule: VirtualService, namespace: string): boolean;
  /** Reports a part of a rule that has no effect. */
  report(at: RulePart, message: string): void;
}
