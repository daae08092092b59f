import type { HttpFilterKind } from './kind.ts';
import { router } from './router.ts';

/** The HTTP filters that Envoys are told of. `httpFilterStages` has their order. */
export const httpFilterKinds: readonly HttpFilterKind[] = [router];

/** Those that clients with another dialect know. */
export const routerAlone: readonly HttpFilterKind[] = [router];
