import type { Compiler } from '../../compile/contract.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { ServiceKey } from '../../model/names.ts';
import type { RuleBook } from '../../rules/book/rule-book.ts';
import type { RuleId, RuleKind } from '../../rules/rule.ts';
import type { HostAddress } from '../../rules/status.ts';
import type { RuleStore } from '../../rules/store.ts';
import type { Coordinator } from '../coordinator.ts';
import type { CompileProgress } from './compile-progress.ts';
import type { RuleFindings } from './findings/index.ts';

export interface StatusOptions {
  /** All served kinds. */
  readonly kinds: readonly RuleKind[];
  readonly book: RuleBook;
  /** Store, which must notify `book` first, so that the book already has each change. */
  readonly store: Pick<RuleStore, 'subscribe'>;
  readonly compiler: Pick<Compiler, 'contributionsOf' | 'layersSelecting' | 'problemsOf'>;
  readonly findings: Pick<RuleFindings, 'of' | 'subscribe'>;
  readonly coordinator: Coordinator;
  /** Notified by the coordinator's flushes, and from now on of changes of the book. */
  readonly progress: CompileProgress;
  /** Index of ServiceEntries: the services of a rule, and its problems. */
  readonly serviceEntries: {
    servicesOf(id: RuleId): readonly ServiceKey[];
    problemsOf(id: RuleId): readonly string[];
    addressesOf(id: RuleId): readonly HostAddress[];
  };
  readonly clock: Clock;
  readonly log: Logger;
  /** Runs a function after input and timers had their turn. */
  readonly defer: (run: () => void) => void;
  /** Monotonic time in milliseconds. */
  readonly elapsed: () => number;
}
