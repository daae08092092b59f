import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Client } from '../push/client.ts';
import type { RuleBook, RuleChange } from '../rules/book/rule-book.ts';
import { type RuleId, ruleId } from '../rules/rule.ts';

/** Logs added, changed and removed rules, services and sidecars: at most one line of each per second. */
export interface ChangeLogger {
  /** Records the changes of a flush; only services matter. */
  applied(changes: readonly AppliedChange[]): void;
  connected(client: Client): void;
  disconnected(client: Client, reason: string): void;
  stop(): void;
}

interface AppliedChange {
  readonly type: string;
  readonly service?: { readonly namespace: string; readonly hostname: string };
  readonly key?: string;
}

export interface ChangeLoggerOptions {
  readonly book: Pick<RuleBook, 'rules' | 'subscribe' | 'onAdapterObjects' | 'reportOn'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Delay that gathers changes into one line. */
const gatherMs = 200;
const periodMs = 1_000;
/** Maximum number of names per list; the rest is counted. */
const maxNamed = 10;

export function createChangeLogger({ book, clock, log }: ChangeLoggerOptions): ChangeLogger {
  const rules = createTopic<RuleId>([...book.rules()].map(ruleId));
  const services = createTopic<string>([]);
  const sidecars = createTopic<string>([]);
  const streams = new Map<string, number>();
  let cancel: (() => void) | null = null;
  let lastMs = Number.NEGATIVE_INFINITY;

  const logChanges = () => {
    cancel = null;
    lastMs = clock.now();
    for (const [topic, message] of [
      [rules, 'rules changed'],
      [services, 'services changed'],
      [sidecars, 'sidecars changed'],
    ] as const) {
      const facts = topic.take();
      if (facts !== null) log.info(facts, message);
    }
  };
  const soon = () => {
    cancel ??= clock.after(Math.max(gatherMs, lastMs + periodMs - clock.now()), logChanges);
  };

  book.subscribe((changes: readonly RuleChange[]) => {
    for (const change of changes) {
      if (change.type === 'rule') rules.put(ruleId(change.rule), change.rule.origin);
      else if (change.type === 'rule-removed') rules.remove(change.id);
    }
    soon();
  });
  logMistakes(book, log);

  return {
    applied(changes) {
      for (const { type, service, key } of changes) {
        if (type === 'service' && service !== undefined) services.put(`${service.namespace}/${service.hostname}`);
        else if (type === 'service-removed' && key !== undefined) services.remove(key);
        else continue;
        soon();
      }
    },
    connected({ proxy }) {
      const open = (streams.get(proxy.id) ?? 0) + 1;
      streams.set(proxy.id, open);
      if (open > 1) return; // a further stream of a known sidecar
      sidecars.put(proxy.id);
      soon();
    },
    disconnected({ proxy }) {
      const open = (streams.get(proxy.id) ?? 1) - 1;
      if (open > 0) return void streams.set(proxy.id, open);
      streams.delete(proxy.id);
      sidecars.remove(proxy.id);
      soon();
    },
    stop: () => cancel?.(),
  };
}

/** Tracks existing ids and their changes since the last line. */
function createTopic<Id extends string>(known: readonly Id[]) {
  const existing = new Set<Id>(known);
  const changes = new Map<Id, { readonly what: 'came' | 'changed' | 'went'; readonly from: string }>();
  return {
    put(id: Id, from = '') {
      const before = changes.get(id);
      const isNew = !existing.has(id) && before?.what !== 'went';
      changes.set(id, { what: isNew || before?.what === 'came' ? 'came' : 'changed', from });
      existing.add(id);
    },
    remove(id: Id) {
      if (!existing.delete(id)) return;
      if (changes.get(id)?.what === 'came')
        changes.delete(id); // added and removed since the last line
      else changes.set(id, { what: 'went', from: '' });
    },
    /** Returns the facts to log and resets them; null if nothing changed. */
    take(): object | null {
      if (changes.size === 0) return null;
      const of = (what: string) => {
        const ids = [...changes].filter(([, one]) => one.what === what);
        const named = ids.slice(0, maxNamed).map(([id, { from }]) => (from === '' ? id : `${id} (${from})`));
        const more = ids.length - named.length;
        return ids.length === 0 ? {} : { [what]: more > 0 ? [...named, `and ${more} more`] : named };
      };
      const facts = { ...of('came'), ...of('changed'), ...of('went'), now: existing.size };
      changes.clear();
      return facts;
    },
  };
}

const maxMistakes = 20;

/** Logs mistakes in rules of files, each once while it persists. */
function logMistakes(book: Pick<RuleBook, 'onAdapterObjects' | 'reportOn'>, log: Logger): void {
  const logged = new Map<RuleId, string>();
  book.onAdapterObjects((ids) => {
    const fresh = ids.flatMap((id) => {
      const report = book.reportOn(id);
      const reason = (report?.problems ?? [])
        .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
        .join('; ');
      if (report === null || reason === '') {
        logged.delete(id);
        return [];
      }
      if (logged.get(id) === reason) return [];
      logged.set(id, reason);
      return [{ id, origin: report.origin, inEffect: report.inEffect, reason }];
    });
    for (const facts of fresh.slice(0, maxMistakes)) log.warn(facts, 'rule of a file not in effect');
    if (fresh.length > maxMistakes) {
      log.warn({ rules: fresh.length - maxMistakes }, 'more rules of files not in effect: see /debug/problemz');
    }
  });
}
