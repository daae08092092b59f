import { cors } from './cors.ts';
import { dynamicDns } from './dynamic-dns.ts';
import { faults } from './fault.ts';
import type { HttpFilterKind } from './kind.ts';
import { router } from './router.ts';

/** HTTP filters of the Envoy dialect. `httpFilterStages` has their order. */
export const httpFilterKinds: readonly HttpFilterKind[] = [faults, cors, dynamicDns, router];

/** HTTP filters of the other dialects. */
export const routerAlone: readonly HttpFilterKind[] = [router];
