import { err, ok } from '../../lib/result.ts';
import type { Proxy } from '../../model/proxy.ts';
import type { Client } from '../../push/client.ts';
import type { Coordinator } from '../../push/coordinator.ts';
import type { Registry } from '../../registry/contract.ts';
import type { RuleBook } from '../../rules/book/rule-book.ts';
import { type RuleId, ruleId } from '../../rules/rule.ts';
import { isProxy, ofClient, proxyParameter } from './one-client.ts';
import { type DebugView, jsonArray } from './view.ts';

/** Counts the streams, and lists them with their peers. */
export const connections = ({ clients }: Coordinator): DebugView => ({
  path: '/debug/connections',
  about: 'the number of streams, and where each comes from',
  read: () => ok([`${JSON.stringify({ total: clients.size, streams: [...clients].map(streamOf) }, null, 1)}\n`]),
});

const streamOf = ({ id, proxy, peer, service, connectedAtMs }: Client) => ({
  connectionId: id,
  proxy: proxy.id,
  peer,
  service,
  connectedAt: new Date(connectedAtMs).toISOString(),
});

/** Ends the stream of a proxy, which connects again. Shown: the streams that could be ended. */
export const forceDisconnect = (coordinator: Coordinator): DebugView => ({
  path: '/debug/force_disconnect',
  about: 'POST ends the streams of a proxy, which connects again, perhaps to another replica',
  parameters: proxyParameter,
  read: (query) =>
    ofClient(coordinator, query, (client) => ok(jsonArray(streamsLike(coordinator, client).map(streamOf)))),
  act: (query) =>
    ofClient(coordinator, query, (client) => {
      const ended = streamsLike(coordinator, client);
      for (const stream of ended) stream.outlet.end('ended by an operator');
      return ok(jsonArray(ended.map(streamOf)));
    }),
});

const streamsLike = ({ clients }: Coordinator, { proxy }: Client): readonly Client[] =>
  [...clients].filter((other) => other.proxy.id === proxy.id);

/** Lists the resources that each proxy subscribes to by name, and those that it has. */
export const resourcesz = ({ clients }: Coordinator): DebugView => ({
  path: '/debug/resourcesz',
  about: 'the names of the resources that each proxy has, by type',
  parameters: { proxyID: 'only this proxy' },
  read: ({ proxyID }) =>
    ok(
      jsonArray(
        clients
          .values()
          .filter((client) => proxyID === undefined || isProxy(client, proxyID))
          .map(({ id, proxy, stream }) => ({
            connectionId: id,
            proxy: proxy.id,
            resources: Object.fromEntries(
              stream.types.values().map(({ type, interest }) => [type, [...(interest?.present() ?? [])].sort()]),
            ),
          })),
      ),
    ),
});

/** Lists the Sidecar that each proxy has. */
export const sidecarz = ({ clients }: Coordinator, book: RuleBook, compiler: SidecarLookup): DebugView => {
  function* proxies() {
    const byLayer = new Map<string, RuleId>();
    for (const { kind, metadata } of book.rules()) {
      if (kind !== 'Sidecar') continue;
      const id = ruleId({ kind, metadata });
      for (const layer of compiler.layersSelecting(id)) byLayer.set(layer, id);
    }
    for (const { id, proxy, layers } of clients) {
      const sidecars = layers.flatMap(({ key }) => byLayer.get(key) ?? []);
      yield {
        connectionId: id,
        proxy: proxy.id,
        sidecars: [...new Set(sidecars)],
        layers: layers.map(({ key }) => key),
      };
    }
  }
  return {
    path: '/debug/sidecarz',
    about: 'the Sidecar that applies to each proxy, if one does, and the layers that it shares with others',
    read: () => ok(jsonArray(proxies())),
  };
};

/** Part of the compiler that knows what applies to a proxy. */
export interface SidecarLookup {
  /** Returns the keys of the layers of the proxies that have this Sidecar. */
  layersSelecting(rule: RuleId): Iterable<string>;
  labelsOf(proxy: Proxy): Readonly<Record<string, string>>;
}

/** Lists the instances of services that run at the addresses of each proxy. */
export const instancesz = (coordinator: Coordinator, registry: Registry, compiler: SidecarLookup): DebugView => ({
  path: '/debug/instancesz',
  about: 'the labels of a proxy, and the services of which its workload is an instance',
  parameters: proxyParameter,
  read: (query) =>
    ofClient(coordinator, query, ({ proxy }) => {
      if (proxy.addresses.length === 0) return err({ status: 404, message: 'this proxy has told no address' });
      const addresses = new Set(proxy.addresses);
      const instances = [...registry.endpointShards()].flatMap(({ shard, set: { hostname, namespace, endpoints } }) =>
        endpoints
          .filter(({ address }) => addresses.has(address))
          .map((endpoint) => ({ service: `${namespace}/${hostname}`, shard, ...endpoint })),
      );
      return ok([
        `${JSON.stringify({ proxy: proxy.id, addresses: proxy.addresses, labels: compiler.labelsOf(proxy), instances }, null, 1)}\n`,
      ]);
    }),
});
