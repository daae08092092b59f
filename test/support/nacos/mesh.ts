import { config } from '../../../adapters/nacos/config.ts';
import { nacos } from '../../../adapters/nacos/index.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import type { RawObject } from '../../../src/model/object.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { adapterContext } from '../adapter-context.ts';

/** A registry with one running Nacos adapter. */
export interface NacosMesh {
  /** Returns `orders 10.0.0.1 10.0.0.2` for each service, with the first label of its hostname and its callable endpoints. */
  services(): readonly string[];
  /** Returns `Kind origin` for each rule of the mesh. */
  objects(): readonly string[];
  /** State of the adapter, with the reason if it is not synced. */
  state(): string;
  /** Returns rejected entries: `origin: message`. */
  problems(): readonly string[];
  /** Number of changes of endpoint sets so far. */
  readonly changes: number;
  /** Results of `services` after each change so far. */
  readonly history: readonly string[];
  close(): Promise<void>;
}

/** Runs the adapter with a part of its configuration. */
export function startNacosMesh(settings: object): NacosMesh {
  const registry = createRegistry({ clock: systemClock, log: silentLogger, snapshotDir: null });
  const adapter = nacos.create(config.parse(settings), adapterContext({ dataDir: '/nowhere' }));
  const abort = new AbortController();
  const objects = new Map<string, string>();
  const sink = registry.shard('nacos', 'nacos');
  const put = ({ kind, origin, metadata: { name } }: RawObject) => objects.set(`${kind}/${name}`, `${kind} ${origin}`);
  const running = adapter.run(
    {
      ...sink,
      replace(contents) {
        for (const object of contents.objects) put(object);
        sink.replace(contents);
      },
      apply(given) {
        for (const change of given) {
          if (change.type === 'object') put(change.object);
          if (change.type === 'object-removed') objects.delete(`${change.kind}/${change.name}`);
        }
        sink.apply(given);
      },
    },
    abort.signal,
  );
  let changes = 0;
  const history: string[] = [];
  const services = () =>
    [...registry.endpointShards()]
      .map(({ set }) => {
        const callable = set.endpoints.filter(({ health }) => health === 'healthy');
        return [set.hostname.split('.')[0], ...callable.map(({ address }) => address)].join(' ');
      })
      .sort();
  registry.onChange(() => {
    changes += registry.takeChanges().length;
    history.push(services().join());
  });
  return {
    services,
    history,
    objects: () => [...objects.values()].sort(),
    state() {
      const [shard] = registry.shards();
      return [shard?.state, shard?.reason].filter(Boolean).join(': ');
    },
    problems: () => registry.problems().map(({ origin, message }) => `${origin}: ${message}`),
    get changes() {
      return changes;
    },
    async close() {
      abort.abort();
      await running;
      await registry.close();
    },
  };
}
