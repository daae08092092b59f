import { ok } from '../../lib/result.ts';
import type { Coordinator } from '../../push/coordinator.ts';
import type { Registry } from '../../registry/contract.ts';
import type { RuleBook } from '../../rules/book/rule-book.ts';
import { adsz, edsz, syncz } from './client-views.ts';
import { configDump } from './config-dump.ts';
import {
  connections,
  forceDisconnect,
  instancesz,
  resourcesz,
  type SidecarLookup,
  sidecarz,
} from './connection-views.ts';
import { cachez, clusterz, endpointShardz, mesh, networkz, pushContext, pushStatus } from './mesh-views.ts';
import { quarantinez } from './quarantine-view.ts';
import { adapterz, configz, endpointz, type ProblemViewSources, problemz, registryz } from './registry-views.ts';
import { type DebugView, jsonArray } from './view.ts';

/** Sources of the views. */
export interface DebugSources {
  readonly registry: Registry;
  readonly book: RuleBook;
  readonly coordinator: Coordinator;
  readonly compiler: SidecarLookup;
  /** Problems of valid rules that compilation found, by rule. */
  readonly problems: () => ReadonlyMap<string, readonly string[]>;
  readonly findings: ProblemViewSources['findings'];
  /** Further paths under `/debug` to list. */
  readonly others: readonly Pick<DebugView, 'path' | 'about' | 'parameters'>[];
}

/** Creates all views, in the order of the list. */
export function debugViews(sources: DebugSources): readonly DebugView[] {
  const { registry, book, coordinator, compiler, problems, findings, others } = sources;
  const views = [
    configz(book),
    mesh(book),
    problemz({ book, resolved: problems, findings }),
    registryz(registry),
    endpointz(registry),
    endpointShardz(registry),
    adapterz(registry),
    clusterz(registry),
    networkz(registry),
    adsz(coordinator),
    connections(coordinator),
    forceDisconnect(coordinator),
    syncz(coordinator),
    pushStatus(coordinator, problems),
    pushContext(registry, book, coordinator),
    cachez(coordinator),
    quarantinez(coordinator),
    sidecarz(coordinator, book, compiler),
    instancesz(coordinator, registry, compiler),
    resourcesz(coordinator),
    edsz(coordinator),
    configDump(coordinator),
  ];
  const list: DebugView = {
    path: '/debug/list',
    about: 'this list',
    read: () =>
      ok(
        jsonArray([list, ...views, ...others].map(({ path, about, parameters = {} }) => ({ path, about, parameters }))),
      ),
  };
  return [list, ...views];
}
