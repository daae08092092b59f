import { dialects as allDialects, type Dialects } from './dialects.ts';
import { inboundKind } from './inbound.ts';
import type { LayerKind } from './layer.ts';
import { createOpenScopes } from './open-scopes.ts';
import { placedKind } from './placed.ts';
import { outboundKind } from './scope.ts';
import type { Coarseness } from './scope-key.ts';

/** Kinds of layers in a proxy's view, in its order. Their resource names are disjoint. */
export function layerKinds(coarseness: Coarseness, dialects: Dialects = allDialects): readonly LayerKind<unknown>[] {
  const scopes = createOpenScopes();
  return [
    anyFacts(outboundKind({ coarseness, dialects, scopes })),
    anyFacts(inboundKind(dialects)),
    anyFacts(placedKind({ coarseness, dialects, scopes })),
  ];
}

/** Hides the type of a kind's facts. This is sound because each kind receives only facts that it made. */
export const anyFacts = <Facts>(kind: LayerKind<Facts>): LayerKind<unknown> => kind as LayerKind<unknown>;
