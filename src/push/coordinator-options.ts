import type { Compiler, WorldChange } from '../compile/contract.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Urgency } from '../registry/contract.ts';
import type { Revision } from '../xds/tables/table.ts';
import type { ClientLimits } from './client-limits.ts';
import type { PushObserver } from './observer.ts';

/** The coordinator's parts and settings. */
export interface CoordinatorOptions {
  readonly compiler: Compiler;
  /** Takes the changes that wait to be compiled: those of services, endpoints and rules, or of `endpoints` alone. */
  readonly take: (urgency: Urgency) => readonly WorldChange[];
  readonly clock: Clock;
  readonly log: Logger;
  readonly observer: PushObserver;
  /** Milliseconds; see `push` in binnacle.yaml. */
  readonly timing: { readonly endpointQuietMs: number; readonly quietMs: number; readonly maxMs: number };
  /** Runs something after input and timers had their turn. */
  readonly defer: (run: () => void) => void;
  /** A monotonic time in milliseconds. */
  readonly elapsed: () => number;
  /** After which time a response counts as unanswered; left out: `longestAnswerMs`. */
  readonly unansweredAfterMs?: number;
  /** Limits that differ from `defaultClientLimits`. */
  readonly limits?: Partial<ClientLimits>;
  /** Names this control plane in every response; left out: nothing does. */
  readonly identifier?: string;
  /** By which revision a rule is as it is, so that a rejection is not traced to one that has not changed; left out: any may have. */
  readonly revisionOf?: (origin: string) => Revision;
}
