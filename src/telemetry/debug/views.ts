import { ok } from '../../lib/result.ts';
import type { Coordinator } from '../../push/coordinator.ts';
import type { Registry } from '../../registry/contract.ts';
import type { RuleBook } from '../../rules/book/rule-book.ts';
import { adsz, edsz, syncz } from './client-views.ts';
import { configDump } from './config-dump.ts';
import { quarantinez } from './quarantine-view.ts';
import { adapterz, configz, endpointz, type ProblemViewSources, problemz, registryz } from './registry-views.ts';
import { type DebugView, jsonArray } from './view.ts';

/** Sources of the views. */
export interface DebugSources {
  readonly registry: Registry;
  readonly book: RuleBook;
  readonly coordinator: Coordinator;
  /** Problems of valid rules that compilation found, by rule. */
  readonly problems: () => ReadonlyMap<string, readonly string[]>;
  readonly findings: ProblemViewSources['findings'];
}

/** Creates all views, in the order of the list. */
export function debugViews({ registry, book, coordinator, problems, findings }: DebugSources): readonly DebugView[] {
  const views = [
    configz(book),
    problemz({ book, resolved: problems, findings }),
    registryz(registry),
    endpointz(registry),
    adapterz(registry),
    adsz(coordinator),
    syncz(coordinator),
    quarantinez(coordinator),
    edsz(coordinator),
    configDump(coordinator),
  ];
  const list: DebugView = {
    path: '/debug/list',
    about: 'this list',
    read: () =>
      ok(jsonArray([list, ...views].map(({ path, about, parameters = {} }) => ({ path, about, parameters })))),
  };
  return [list, ...views];
}
