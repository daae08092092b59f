import { dialects as allDialects, type Dialects } from './dialects.ts';
import { inboundKind } from './inbound.ts';
import type { LayerKind } from './layer.ts';
import { outboundKind } from './scope.ts';
import type { Coarseness } from './scope-key.ts';

/** The layers of a proxy's view, in its order. Names are disjoint between them. */
export const layerKinds = (scopes: Coarseness, dialects: Dialects = allDialects): readonly LayerKind<unknown>[] => [
  anyFacts(outboundKind(scopes, dialects)),
  anyFacts(inboundKind(dialects)),
];

/** A kind is only ever handed facts that it made itself, so what they are is its own affair. */
export const anyFacts = <Facts>(kind: LayerKind<Facts>): LayerKind<unknown> => kind as LayerKind<unknown>;
