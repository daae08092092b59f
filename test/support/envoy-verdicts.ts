import { httpConnectionManager } from '../../src/compile/generators/listeners.ts';
import { httpFilterKinds } from '../../src/compile/http-filters/index.ts';
import { writeHttpFilters } from '../../src/compile/http-filters/write.ts';
import { type ClusterJson, encodeCluster, encodeListener, type VirtualHostJson } from '../../src/proto/json.ts';
import { type FixedMeshResources, startFixedControlPlane } from '../golden/fixed-control-plane.ts';
import { type Envoy, startEnvoy } from './envoy.ts';
import { sidecarBootstrap } from './envoy-bootstrap.ts';
import { eventually } from './eventually.ts';

type Routes = NonNullable<VirtualHostJson['routes']>;

export interface VerdictOptions {
  /** Changes the output of `binnacle bootstrap`. */
  readonly bootstrap?: (printed: object) => object;
}

/**
 * Sends sample routes to a real Envoy. Returns null for each accepted sample, and Envoy's reason for each rejected one.
 * Every sample gets a separate listener, so that a rejected one does not hide the others.
 */
export function envoyVerdicts<Name extends string>(
  samples: Readonly<Record<Name, Routes>>,
  options: VerdictOptions = {},
): Promise<Verdicts<Name>> {
  const names = Object.keys(samples) as Name[]; // the type's own keys
  const listener = names.map((name, index) => encodeListener(listenerOf(index, samples[name])));
  return judge(names, { listener }, options);
}

/** Like `envoyVerdicts`, for clusters; their names are ignored. */
export function envoyClusterVerdicts<Name extends string>(
  samples: Readonly<Record<Name, ClusterJson>>,
): Promise<Verdicts<Name>> {
  const names = Object.keys(samples) as Name[]; // the type's own keys
  const cluster = names.map((name, index) => encodeCluster({ ...samples[name], name: sampleName(index) }));
  return judge(names, { cluster }, {});
}

type Verdicts<Name extends string> = Readonly<Record<Name, string | null>>;

const sampleName = (index: number): string => `sample-${index}`;

async function judge<Name extends string>(
  names: readonly Name[],
  resources: FixedMeshResources,
  { bootstrap = (printed) => printed }: VerdictOptions,
): Promise<Verdicts<Name>> {
  const controlPlane = await startFixedControlPlane(resources);
  try {
    const printed = sidecarBootstrap({ xdsPort: controlPlane.xdsPort, protocol: 'delta', name: 'judge' });
    const envoy = await startEnvoy({ bootstrap: bootstrap(printed), name: 'judge', waitReady: false });
    try {
      const reasons = await eventually(() => settledReasons(envoy, names.length), {
        what: 'the verdict of Envoy',
        timeoutMs: 60_000,
      });
      const verdicts = names.map((name, index) => [name, reasons.get(sampleName(index)) ?? null] as const);
      return Object.fromEntries(verdicts) as Record<Name, string | null>;
    } finally {
      await envoy.stop();
    }
  } finally {
    await controlPlane.stop();
  }
}

/** Returns the reasons, once Envoy has accepted or rejected each sample; null before. */
async function settledReasons(envoy: Envoy, count: number): Promise<ReadonlyMap<string, string> | null> {
  const taken = JSON.stringify((await envoy.configDump()).configs);
  const reasons = reasonsOf(envoy.child.stderr());
  const names = Array.from({ length: count }, (_, index) => sampleName(index));
  return names.every((name) => reasons.has(name) || taken.includes(`"name":"${name}"`)) ? reasons : null;
}

/** Creates a listener with a unique address. None is bound. */
const listenerOf = (index: number, routes: Routes, name = sampleName(index)) => ({
  name,
  address: { socketAddress: { address: `127.1.${index >> 8}.${index & 255}`, portValue: 1 } },
  bindToPort: false,
  filterChains: [
    {
      filters: [
        httpConnectionManager({
          statPrefix: name,
          httpFilters: writeHttpFilters([], httpFilterKinds),
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
 * Finds the reasons in Envoy's log: `Error adding/updating listener(s) sample-0: …`, then those of other listeners, on
 * separate lines or after a comma. Envoy's config dump no longer shows a rejected resource once the control plane
 * withholds it.
 */
function reasonsOf(log: string): ReadonlyMap<string, string> {
  const rejections = log.split(/Error adding\/updating (?:listener|cluster)\(s\) /).slice(1);
  const reasons = rejections.flatMap((text) => text.split(/^(?=sample-\d+: )|, (?=sample-\d+: )|^(?=\[\d{4}-)/m));
  return new Map(
    reasons.flatMap((text) => {
      const [, name, reason = ''] = /^(sample-\d+): (.*)$/s.exec(text.trim()) ?? [];
      return name === undefined ? [] : [[name, reason]];
    }),
  );
}
