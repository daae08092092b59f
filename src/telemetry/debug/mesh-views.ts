import { ok } from '../../lib/result.ts';
import type { Coordinator } from '../../push/coordinator.ts';
import type { Registry } from '../../registry/contract.ts';
import type { RuleBook } from '../../rules/book/rule-book.ts';
import { isSettled } from '../../xds/stream/next.ts';
import { type DebugView, jsonArray } from './view.ts';

const oneValue = (value: unknown): readonly string[] => [`${JSON.stringify(value, null, 1)}\n`];

/** Shows the mesh configuration in effect. */
export const mesh = (book: RuleBook): DebugView => ({
  path: '/debug/mesh',
  about: 'the mesh configuration in effect',
  read: () => ok(oneValue(book.mesh())),
});

/** Lists the clusters whose API servers are followed. */
export const clusterz = (registry: Registry): DebugView => ({
  path: '/debug/clusterz',
  about: 'the Kubernetes clusters that are followed, and whether each is up to date',
  read: () =>
    ok(
      jsonArray(
        registry
          .shards()
          .filter(({ kind }) => kind === 'kubernetes')
          .map(({ name, state, sinceMs, reason, services, endpoints }) => ({
            ...{ cluster: name, state, since: new Date(sinceMs).toISOString(), reason, services, endpoints },
          })),
      ),
    ),
});

/** Lists networks with the number of their endpoints. */
export const networkz = (registry: Registry): DebugView => ({
  path: '/debug/networkz',
  about: 'the networks of endpoints, with the number of endpoints in each',
  read() {
    const counts = new Map<string, number>();
    for (const { set } of registry.endpointShards())
      for (const { network } of set.endpoints) counts.set(network, (counts.get(network) ?? 0) + 1);
    return ok(jsonArray([...counts].sort().map(([network, endpoints]) => ({ network, endpoints }))));
  },
});

/** Lists the endpoints of each service by the shard that they come from. */
export const endpointShardz = (registry: Registry): DebugView => ({
  path: '/debug/endpointShardz',
  about: 'how many endpoints each service has in each shard, healthy and not',
  parameters: { host: 'only this hostname' },
  read({ host }) {
    const services = new Map<string, Record<string, { healthy: number; others: number }>>();
    for (const { shard, set } of registry.endpointShards()) {
      if (host !== undefined && set.hostname !== host) continue;
      const key = `${set.namespace}/${set.hostname}`;
      const healthy = set.endpoints.filter(({ health }) => health === 'healthy').length;
      const shards = services.get(key) ?? {};
      shards[shard] = { healthy, others: set.endpoints.length - healthy };
      services.set(key, shards);
    }
    return ok(jsonArray(services.entries().map(([service, shards]) => ({ service, shards }))));
  },
});

/** Counts what compiling starts from. */
export const pushContext = (registry: Registry, book: RuleBook, { context, layers }: Coordinator): DebugView => ({
  path: '/debug/pushcontext',
  about: 'what configurations are compiled from: the revision, services, rules by kind, layers',
  read() {
    const rules: Record<string, number> = {};
    for (const { kind } of book.rules()) rules[kind] = (rules[kind] ?? 0) + 1;
    const services = [...registry.services()].length;
    return ok(oneValue({ revision: context.revision, services, rules, layers: [...layers.all()].map(layerOf) }));
  },
});

const layerOf = ({
  key,
  users,
  ready,
  tables,
}: ReturnType<Coordinator['layers']['all']> extends Iterable<infer T> ? T : never) => ({
  key,
  users,
  ready,
  resources: Object.fromEntries(Object.values(tables).map(({ type, entries }) => [type, entries.size])),
});

/** Counts proxies by whether they have the newest configuration. */
export const pushStatus = (
  { clients, context, quarantine }: Coordinator,
  problems: () => ReadonlyMap<string, unknown>,
): DebugView => ({
  path: '/debug/push_status',
  about: 'how many streams have the newest configuration, and how many rules and services have problems',
  read() {
    const behind = [...clients].filter(({ stream }) => !isSettled(stream, context));
    return ok(
      oneValue({
        revision: context.revision,
        streams: {
          total: clients.size,
          synced: clients.size - behind.length,
          behind: behind.map(({ proxy }) => proxy.id),
        },
        rejectedParts: quarantine.size,
        rulesWithProblems: problems().size,
      }),
    );
  },
});

/** Shows the sizes of what streams share; POST with `clear` drops what can be built again. */
export const cachez = (coordinator: Coordinator): DebugView => ({
  path: '/debug/cachez',
  about:
    'the sizes of what streams share; POST with clear=true drops built responses, which are built again when needed',
  parameters: { clear: 'true, with POST' },
  read: () => ok(oneValue(coordinator.poolSizes)),
  act({ clear }) {
    if (clear === 'true') for (const interest of coordinator.context.interests.all()) interest.invalidate();
    return ok(oneValue(coordinator.poolSizes));
  },
});
