import { ok } from '../../lib/result.ts';
import type { Finding } from '../../push/status/findings/finding.ts';
import type { Registry } from '../../registry/contract.ts';
import type { RuleBook } from '../../rules/book/rule-book.ts';
import { type RuleId, ruleId } from '../../rules/rule.ts';
import { type DebugView, jsonArray, jsonObject } from './view.ts';

/** Lists all rules in effect in Kubernetes' format. */
export function configz(book: RuleBook): DebugView {
  function* objects() {
    yield { kind: 'MeshConfig', spec: book.mesh() };
    for (const { kind, apiVersion, metadata, spec, origin } of book.rules()) {
      yield { kind, apiVersion, metadata, spec, origin };
    }
  }
  return {
    path: '/debug/configz',
    about: 'all rules in effect, and where each comes from',
    read: () => ok(jsonArray(objects())),
  };
}

/** Lists the merged services of all registries, then the entries that are left out. */
export function registryz(registry: Registry): DebugView {
  function* entries() {
    yield* registry.services();
    for (const problem of registry.problems()) yield { leftOut: problem };
  }
  return {
    path: '/debug/registryz',
    about: 'services of all registries, merged, then entries that are left out',
    read: () => ok(jsonArray(entries())),
  };
}

/** Lists endpoints by service and shard, including unhealthy ones, with their origins. */
export const endpointz = (registry: Registry): DebugView => ({
  path: '/debug/endpointz',
  about: 'endpoints by service and shard, where each was read, and whether the service has them',
  parameters: { host: 'only this hostname' },
  read: ({ host }) =>
    ok(jsonArray([...registry.endpointShards()].filter(({ set }) => host === undefined || set.hostname === host))),
});

/** Lists adapters: state, age, rejected entries. */
export const adapterz = (registry: Registry): DebugView => ({
  path: '/debug/adapterz',
  about: 'adapters: their state since when, how old their contents are, what they refused',
  read: () => ok(jsonObject({ shards: jsonArray(registry.shards()), problems: jsonArray(registry.problems()) })),
});

export interface ProblemViewSources {
  readonly book: RuleBook;
  /** Problems of valid rules that compilation found, by rule. */
  readonly resolved: () => ReadonlyMap<string, readonly string[]>;
  /** Parts of a rule that have no effect in the current mesh. */
  readonly findings: (id: RuleId) => readonly Finding[];
}

/** Lists problems of rules: invalid or shadowed objects, problems of compilation, parts without effect. */
export function problemz({ book, resolved, findings }: ProblemViewSources): DebugView {
  function* idle() {
    for (const { kind, metadata, origin } of book.rules()) {
      const id = ruleId({ kind, metadata });
      for (const { reason, message } of findings(id)) yield { id, origin, reason, message };
    }
  }
  function* problems() {
    for (const [id, messages] of resolved()) yield { id, messages };
  }
  return {
    path: '/debug/problemz',
    about: 'rules that are invalid, shadowed, or not wholly in effect, and why',
    read: () =>
      ok(jsonObject({ objects: jsonArray(book.reports()), resolved: jsonArray(problems()), idle: jsonArray(idle()) })),
  };
}
