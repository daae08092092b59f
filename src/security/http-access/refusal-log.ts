import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { AccessRequest, RefusalReason } from '../../model/access.ts';

/** Minimum interval between log lines of one reason, however many requests are rejected. */
export const quietMs = 10_000;

/** Logs the first rejection of a reason at once. Later ones are logged as a count, with the last one as an example. */
export function createRefusalLog({ clock, log }: { readonly clock: Clock; readonly log: Logger }) {
  const waiting = new Map<RefusalReason, { count: number; example: object }>();

  const write = (reason: RefusalReason, count: number, example: object) => {
    waiting.set(reason, { count: 0, example: {} });
    log.warn({ reason, count, ...example }, 'requests refused');
    clock.after(quietMs, () => {
      const later = waiting.get(reason);
      waiting.delete(reason);
      if (later !== undefined && later.count > 0) write(reason, later.count, later.example);
    });
  };

  return {
    note(
      { method, url, remote }: AccessRequest,
      { reason, message }: { reason: RefusalReason; message: string },
    ): void {
      const path = url.split('?', 1)[0]?.slice(0, 200); // a query may contain secrets
      const example = { method, path, remote, why: message };
      const suppressed = waiting.get(reason);
      if (suppressed === undefined) write(reason, 1, example);
      else {
        suppressed.count += 1;
        suppressed.example = example;
      }
    },
  };
}
