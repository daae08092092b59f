import { httpConnectionManager } from '../../src/compile/generators/listeners.ts';
import { encodeListener, type VirtualHostJson } from '../../src/proto/json.ts';
import { startFixedControlPlane } from '../golden/fixed-control-plane.ts';
import { startEnvoy } from './envoy.ts';
import { sidecarBootstrap } from './envoy-bootstrap.ts';
import { eventually } from './eventually.ts';

type Routes = NonNullable<VirtualHostJson['routes']>;

export interface VerdictOptions {
  /** Changes what `binnacle bootstrap` prints. */
  readonly bootstrap?: (printed: object) => object;
}

/**
 * Asks a real Envoy about each sample of routes: null where it takes them, else its reason. Every sample is a listener of its
 * own, so that a rejected one does not hide the others.
 */
export async function envoyVerdicts<Name extends string>(
  samples: Readonly<Record<Name, Routes>>,
  { bootstrap = (printed) => printed }: VerdictOptions = {},
): Promise<Readonly<Record<Name, string | null>>> {
  const names = Object.keys(samples) as Name[]; // the type's own keys
  const listener = names.map((name, index) => encodeListener(listenerOf(index, samples[name])));
  const controlPlane = await startFixedControlPlane({ listener });
  try {
    const printed = sidecarBootstrap({ xdsPort: controlPlane.xdsPort, protocol: 'delta', name: 'judge' });
    const envoy = await startEnvoy({ bootstrap: bootstrap(printed), name: 'judge', waitReady: false });
    try {
      await eventually(
        async () => {
          const stats = await envoy.stats('^listener_manager.lds.update_(success|rejected)$');
          return [...stats.values()].some((count) => count > 0);
        },
        { what: 'the verdict of Envoy', timeoutMs: 60_000 },
      );
      const reasons = reasonsOf(envoy.child.stderr());
      const verdicts = names.map((name, index) => [name, reasons.get(`sample-${index}`) ?? null] as const);
      return Object.fromEntries(verdicts) as Record<Name, string | null>;
    } finally {
      await envoy.stop();
    }
  } finally {
    await controlPlane.stop();
  }
}

/** No two may have one address, though none is bound. */
const listenerOf = (index: number, routes: Routes, name = `sample-${index}`) => ({
  name,
  address: { socketAddress: { address: `127.1.${index >> 8}.${index & 255}`, portValue: 1 } },
  bindToPort: false,
  filterChains: [
    {
      filters: [
        httpConnectionManager({
          statPrefix: name,
          routeConfig: {
            name,
            validateClusters: false,
            maxDirectResponseBodySizeBytes: 1 << 20,
            virtualHosts: [{ name, domains: ['*'], routes }],
          },
        }),
      ],
    },
  ],
});

/**
 * The reasons in Envoy's log: `Error adding/updating listener(s) sample-0: …`, then a line for each of the others. What Envoy
 * shows of rejected listeners is gone once the control plane holds them back.
 */
function reasonsOf(log: string): ReadonlyMap<string, string> {
  const rejections = log.split('Error adding/updating listener(s) ').slice(1);
  const reasons = rejections.flatMap((text) => text.split(/^(?=sample-\d+: )|^(?=\[\d{4}-)/m));
  return new Map(
    reasons.flatMap((text) => {
      const [, name, reason = ''] = /^(sample-\d+): (.*)$/s.exec(text.trim()) ?? [];
      return name === undefined ? [] : [[name, reason]];
    }),
  );
}
