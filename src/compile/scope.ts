import type { Dialects } from './dialects.ts';
import type { Layer, LayerKind, LayerParts } from './layer.ts';
import type { OpenScope, OpenScopes } from './open-scopes.ts';
import { baseFactsOf, createBase, type ScopeBase } from './scope-base.ts';
import { createContent, type ScopeParts } from './scope-content.ts';
import { meshOrigin } from './scope-fixed.ts';
import { type Coarseness, type ScopeFacts, scopeFactsOf } from './scope-key.ts';
import { createOverlayScope } from './scope-overlay.ts';
import { scopeProvenance } from './scope-provenance.ts';
import { createHostMemo } from './tables/host-memo.ts';

/** Scopes whose hosts are mostly equal. */
interface ScopeGroup {
  /** Number of open scopes. */
  scopes: number;
  /** Base shared by all scopes but the first; null while there is only one. */
  base: ScopeBase | null;
}

export interface OutboundOptions {
  readonly coarseness: Coarseness;
  readonly dialects: Dialects;
  readonly scopes: OpenScopes;
}

/** Creates the kind of outbound layers, with the services that proxies may call. */
export function outboundKind({ coarseness, dialects, scopes }: OutboundOptions): LayerKind<ScopeFacts> {
  const memo = createHostMemo();
  const groups = new Map<string, ScopeGroup>();

  const create = (facts: ScopeFacts, parts: LayerParts): Layer => {
    const own = { ...parts, memo, dialect: dialects[facts.client] };
    const scope = scopes.at(facts);
    const leave = () => {
      scope.content = null;
      scopes.sweep(facts);
    };
    // A Sidecar admits few hosts, so that a base would not pay off.
    if (facts.sidecar !== null) return createScope(facts, own, { scope, closed: leave });
    const baseFacts = baseFactsOf(facts);
    const name = JSON.stringify(baseFacts);
    const group = groups.get(name) ?? { scopes: 0, base: null };
    groups.set(name, group);
    group.scopes++;
    const closed = () => {
      leave();
      if (--group.scopes === 0) groups.delete(name);
      if (group.base?.size !== 0) return;
      group.base.dispose();
      group.base = null;
    };
    if (group.scopes === 1) return createScope(facts, own, { scope, closed });
    group.base ??= createBase(baseFacts, own);
    return createOverlayScope(facts, own, { base: group.base, scope, closed });
  };
  function* bases(): Generator<ScopeBase> {
    for (const { base } of groups.values()) if (base !== null) yield base;
  }

  return {
    kind: 'outbound',
    mayWait: true,
    factsOf: (proxy, world) => scopeFactsOf(proxy, world, { coarseness, clients: dialects }),
    selected: ({ sidecar }) => (sidecar === null ? [] : [sidecar]),
    create,
    mark(dirty) {
      memo.mark(dirty);
      for (const base of bases()) base.mark(dirty);
    },
    flushed() {
      for (const base of bases()) base.tables.settled();
    },
    layersWith: (origin, { pools }) => (origin === meshOrigin || pools.origins.has(origin) ? 'all' : []),
  };
}

/** Creates a scope without a base. */
function createScope(
  facts: ScopeFacts,
  parts: ScopeParts,
  { scope, closed }: { readonly scope: OpenScope; closed(): void },
): Layer {
  const { key, pools } = parts;
  const content = createContent(facts, parts, { hostInstalled: scope.hostChanged });
  const { tables, hosts } = content;
  scope.content = {
    unitOf: hosts.get,
    *hosts() {
      for (const [host] of hosts.entries()) yield host;
    },
  };
  return {
    key,
    mark: content.mark,
    compile: content.compile,
    takeChanges: tables.takeChanges,
    ...scopeProvenance({ ...content, key, pools, unitOf: hosts.get }),
    dispose() {
      content.dispose();
      closed();
    },
  };
}
