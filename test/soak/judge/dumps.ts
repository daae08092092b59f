import { isDeepStrictEqual } from 'node:util';
import type { ConfigDump } from '../../support/envoy.ts';
import { bigRegex, missingFile } from './mesh.ts';

type Json = Readonly<Record<string, unknown>>;

/** Resources by type and name. Virtual hosts are separate from their route configurations: `80/shop.test:80`. */
export interface DumpContents {
  readonly cluster: ReadonlyMap<string, Json>;
  readonly endpoint: ReadonlyMap<string, readonly string[]>;
  readonly listener: ReadonlyMap<string, Json>;
  readonly route: ReadonlyMap<string, Json>;
  readonly virtualHost: ReadonlyMap<string, Json>;
  /** Descriptions of resources that warm, drain or are in error. */
  readonly unfinished: readonly string[];
}

/** A part that a client receives in another version than the tables have, as `/debug/syncz` lists it. */
export interface RejectedPart {
  readonly resource: string;
  readonly virtualHost?: string;
}

/**
 * Reads a dump of Envoy, or of the control plane, which has the same shape. Excludes resources that no Envoy requests:
 * routes without a listener, and endpoints of clusters that contain theirs.
 */
export function dumpContents({ configs }: ConfigDump): DumpContents {
  const list = (name: string) => configs.flatMap((part) => (part[name] ?? []) as Json[]); // the shape of Envoy's admin.v3
  const named = (items: readonly Json[]) =>
    new Map(items.map(({ '@type': _, ...item }) => [String(item.name), item as Json])); // only Envoy's dump has the type
  const clusters = named(list('dynamic_active_clusters').map((it) => it.cluster as Json));
  const listeners = list('dynamic_listeners');
  const activeStates = listeners.flatMap((it) => (it.active_state as { readonly listener: Json } | undefined) ?? []);
  const active = named(activeStates.map(({ listener }) => listener));
  const wantedRoutes = new Set(
    [...JSON.stringify([...active.values()]).matchAll(/"route_config_name":"([^"]*)"/g)].map(([, name]) => name),
  );
  const routes = list('dynamic_route_configs')
    .map((it) => it.route_config as Json)
    .filter(({ name }) => wantedRoutes.has(String(name)));
  const hosts = routes.flatMap((route) =>
    ((route.virtual_hosts ?? []) as Json[]).map((host) => [`${route.name}/${host.name}`, host] as const),
  );
  const assignments = list('dynamic_endpoint_configs')
    .map((it) => it.endpoint_config as Json)
    .filter(({ cluster_name }) => clusters.get(String(cluster_name))?.type === 'EDS');
  const states = ['warming_state', 'draining_state', 'error_state'];
  return {
    cluster: clusters,
    endpoint: new Map(assignments.map((it) => [String(it.cluster_name), addressesOf(it)])),
    listener: active,
    route: named(routes.map((route) => ({ ...route, virtual_hosts: null }))),
    virtualHost: new Map(hosts),
    unfinished: [
      ...list('dynamic_warming_clusters').map((it) => `a cluster is warming: ${(it.cluster as Json).name}`),
      ...listeners.flatMap((it) =>
        states.filter((state) => it[state] !== undefined).map((state) => `listener ${it.name} has a ${state}`),
      ),
    ],
  };
}

/**
 * Returns addresses, weights and priorities: the only fields that Envoy's dumps of assignments share with the control
 * plane's.
 */
function addressesOf(assignment: Json): readonly string[] {
  const localities = (assignment.endpoints ?? []) as { priority?: number; lb_endpoints?: Json[] }[];
  return localities
    .flatMap(({ priority = 0, lb_endpoints = [] }) =>
      lb_endpoints.map(({ endpoint, load_balancing_weight = 1 }) => {
        const { address } = endpoint as { address: { socket_address: { address: string; port_value: number } } };
        const { address: ip, port_value: port } = address.socket_address;
        return `${ip}:${port} weight ${load_balancing_weight} priority ${priority}`;
      }),
    )
    .sort();
}

export interface QuietPoint {
  readonly want: DumpContents;
  readonly has: DumpContents;
}

/**
 * `memory-lost`: the control plane was killed, possibly before it wrote its findings. `restarted`: it was stopped, or
 * the Envoy was restarted. A version that became invalid meanwhile has no last good one (ADR 16, Known limits).
 */
export type Since = 'went-on' | 'restarted' | 'memory-lost';

const partTypes = ['cluster', 'listener', 'route', 'virtualHost'] as const;

export interface Judgement {
  /** Result of a full compile. */
  readonly want: DumpContents;
  readonly has: DumpContents;
  /** The last quiet point; null for the first. */
  readonly before: QuietPoint | null;
  /** Events since then, which decide how much the control plane must remember. */
  readonly since: Since;
  readonly rejected: readonly RejectedPart[];
}

/**
 * Returns every difference between an Envoy's resources and the expected ones. Expected is everything as compiled, and
 * the earlier version of what it rejects. A rejected resource contains one of two known texts. Nothing else may be
 * deferred.
 */
export function differences(judgement: Judgement): readonly string[] {
  const { want, has, rejected } = judgement;
  const keyOf = ({ resource, virtualHost }: RejectedPart) =>
    virtualHost === undefined ? resource : `${resource}/${virtualHost}`;
  const rejectedKeys = new Set(rejected.map(keyOf));
  const bad = new Set(
    partTypes.flatMap((type) => [...want[type]].filter(([, item]) => isBad(item)).map(([name]) => name)),
  );
  return [
    ...has.unfinished,
    ...[...rejectedKeys]
      .filter((key) => !bad.has(key))
      .map((key) => `${key} is rejected, and nothing is wrong with it`),
    ...[...bad].filter((key) => !rejectedKeys.has(key)).map((key) => `${key} is bad, and not rejected`),
    ...partTypes.flatMap((type) =>
      namesOf(want[type], has[type]).flatMap((name) => {
        const [wanted, found] = [want[type].get(name), has[type].get(name)];
        if (!bad.has(name)) return isDeepStrictEqual(wanted, found) ? [] : [unlike(type, name, wanted, found)];
        if (found === undefined)
          return mustHave(judgement, type, name) ? [`${type} ${name} is lost: it was there before`] : [];
        return isBad(found) ? [`${type} ${name} is in use, though it is bad`] : [];
      }),
    ),
    ...namesOf(want.endpoint, has.endpoint).flatMap((name) => {
      if (bad.has(name) && !has.cluster.has(name)) return []; // it does not even subscribe
      const [wanted, found] = [want.endpoint.get(name), has.endpoint.get(name)];
      return isDeepStrictEqual(wanted, found) ? [] : [unlike('endpoints of', name, wanted, found)];
    }),
  ];
}

/** Returns every difference, including those of invalid resources. */
export const unlikeParts = ({ want, has }: QuietPoint): readonly string[] =>
  [...partTypes, 'endpoint' as const].flatMap((type) =>
    namesOf(want[type], has[type]).flatMap((name) => {
      const [wanted, found] = [want[type].get(name), has[type].get(name)];
      return isDeepStrictEqual(wanted, found) ? [] : [unlike(type, name, wanted, found)];
    }),
  );

/** Returns whether the control plane must know a last good version. */
function mustHave({ want, before, since }: Judgement, type: (typeof partTypes)[number], name: string): boolean {
  if (before === null || !before.has[type].has(name) || since === 'memory-lost') return false;
  return since === 'went-on' || isDeepStrictEqual(before.want[type].get(name), want[type].get(name));
}

const namesOf = (one: ReadonlyMap<string, unknown>, other: ReadonlyMap<string, unknown>): readonly string[] => [
  ...new Set([...one.keys(), ...other.keys()]),
];

function isBad(item: Json): boolean {
  const text = JSON.stringify(item);
  return text.includes(JSON.stringify(bigRegex).slice(1, -1)) || text.includes(missingFile);
}

function unlike(type: string, name: string, wanted: unknown, found: unknown): string {
  if (wanted === undefined) return `${type} ${name} is there, and should not be`;
  if (found === undefined) return `${type} ${name} is missing`;
  return `${type} ${name} differs:\n    want ${JSON.stringify(wanted)}\n    has  ${JSON.stringify(found)}`;
}
