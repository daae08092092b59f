import { z } from 'zod';
import type { ProxyResources } from '../support/compiled-mesh.ts';
import type { Envoy } from '../support/envoy.ts';
import { eventually } from '../support/eventually.ts';

export interface Acceptance {
  readonly envoy: Envoy;
  /** Returns the control plane's `/debug/syncz`. */
  readonly syncz: () => Promise<string>;
  readonly nodeId: string;
  /** The expected resources; left out by tests that only check the state. */
  readonly want?: ProxyResources;
}

/** Time for an Envoy to use a complete configuration. */
const settleMs = 2_000;

/** Returns the problems that remain after that time; empty as soon as there are none. */
export async function settledProblems(acceptance: Acceptance): Promise<readonly string[]> {
  const settled = eventually(async () => (await problemsOf(acceptance)).length === 0, {
    what: 'no problem',
    timeoutMs: settleMs,
  });
  await settled.catch(() => {}); // the problems are read again below
  return problemsOf(acceptance);
}

/**
 * Returns the current problems: rejected, unacknowledged, warming or erroneous resources, warnings, and differences
 * from the expected resources.
 */
async function problemsOf({ envoy, syncz, nodeId, want }: Acceptance): Promise<readonly string[]> {
  const dump = configDump.parse(await envoy.configDump());
  return [
    ...syncProblems(syncReport.parse(JSON.parse(await syncz())), nodeId),
    ...(await statProblems(envoy)),
    ...dump.configs.flatMap(stateProblems),
    ...logProblems(envoy),
    ...(want === undefined ? [] : differences(dump, want)),
  ];
}

const syncReport = z.array(
  z.object({
    proxy: z.string(),
    isSynced: z.boolean(),
    types: z.record(z.string(), z.object({ state: z.string(), lastNack: z.unknown() })),
  }),
);

function syncProblems(report: z.infer<typeof syncReport>, nodeId: string): readonly string[] {
  const mine = report.find(({ proxy }) => proxy === nodeId);
  if (mine === undefined) return [`${nodeId} is not connected`];
  const { types, isSynced } = mine;
  const missing = ['cluster', 'listener'].filter((type) => types[type] === undefined);
  return [
    ...(isSynced ? [] : ['there is more to send']),
    ...missing.map((type) => `${type}: not asked for`),
    ...Object.entries(types).flatMap(([type, { state, lastNack }]) => [
      ...(state === 'SYNCED' ? [] : [`${type}: ${state}`]),
      ...(lastNack === null ? [] : [`${type}: rejected: ${JSON.stringify(lastNack)}`]),
    ]),
  ];
}

/** Returns counters of rejections and gauges of warming resources that are not 0. */
async function statProblems(envoy: Envoy): Promise<readonly string[]> {
  const stats = await envoy.stats('update_rejected$|warming_clusters$|total_listeners_warming$');
  return [...stats].flatMap(([name, value]) => (value > 0 ? [`${name} is ${value}`] : []));
}

/** The used parts of `/config_dump`: https://www.envoyproxy.io/docs/envoy/latest/api-v3/admin/v3/config_dump.proto */
const named = z.object({ name: z.string() });
const cluster = z.object({ cluster: named, error_state: z.unknown().optional() });
const listener = z.object({
  name: z.string().default('that was never taken'),
  active_state: z.unknown().optional(),
  warming_state: z.unknown().optional(),
  error_state: z.unknown().optional(),
});
const configDump = z.object({
  configs: z.array(
    z.object({
      dynamic_active_clusters: z.array(cluster).default([]),
      dynamic_warming_clusters: z.array(cluster).default([]),
      dynamic_listeners: z.array(listener).default([]),
      dynamic_route_configs: z.array(z.object({ route_config: named })).default([]),
    }),
  ),
});
type ConfigDump = z.infer<typeof configDump>;

function stateProblems(part: ConfigDump['configs'][number]): readonly string[] {
  return [
    ...part.dynamic_warming_clusters.map((it) => `cluster ${it.cluster.name} is warming`),
    ...part.dynamic_listeners.flatMap((it) => [
      ...(it.warming_state === undefined ? [] : [`listener ${it.name} is warming`]),
      ...(it.error_state === undefined ? [] : [`listener ${it.name}: ${JSON.stringify(it.error_state)}`]),
    ]),
  ];
}

/**
 * Deprecated fields that are written on purpose: their replacement, an extension for DNS, is unknown to Envoys that are
 * still in use, and to Istio's users who look for these fields.
 */
const knownDeprecations = /Cluster\.(dns_refresh_rate|respect_dns_ttl)'/;

/**
 * Returns log lines about deprecated fields and doubtful values, which Envoy accepts with a warning. Warnings of `main`
 * concern the bootstrap.
 */
const logProblems = ({ child }: Envoy): readonly string[] =>
  child
    .stderr()
    .split('\n')
    .filter((line) => /\[(warning|error|critical)\]\[(?!main)/.test(line) && !knownDeprecations.test(line));

function differences({ configs }: ConfigDump, want: ProxyResources): readonly string[] {
  const clusters = configs.flatMap((part) => part.dynamic_active_clusters.map((it) => it.cluster.name));
  const active = ({ active_state }: z.infer<typeof listener>) => active_state !== undefined;
  const listeners = configs.flatMap((part) => part.dynamic_listeners.filter(active).map(({ name }) => name));
  const routes = configs.flatMap((part) => part.dynamic_route_configs.map((it) => it.route_config.name));
  return [
    ...difference('cluster', clusters, [...want.cluster.keys()]),
    ...difference('listener', listeners, [...want.listener.keys()]),
    ...difference('route', routes, routesOf(want)),
  ];
}

function difference(type: string, has: readonly string[], wants: readonly string[]): readonly string[] {
  const missing = wants.filter((name) => !has.includes(name)).map((name) => `${type} ${name} is missing`);
  return [...missing, ...has.filter((name) => !wants.includes(name)).map((name) => `${type} ${name} is not wanted`)];
}

/** Returns the routes that the listeners name, which an Envoy requests. */
const routesOf = ({ listener: listeners }: ProxyResources): readonly string[] =>
  [...JSON.stringify([...listeners.values()]).matchAll(/"routeConfigName":"([^"]*)"/g)].map(([, name = '']) => name);
