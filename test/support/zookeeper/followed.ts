import { zookeeper } from '../../../adapters/zookeeper/index.ts';
import type { ShardChange } from '../../../src/adapter-contract/adapter.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import type { Endpoint } from '../../../src/model/endpoint.ts';
import { hostname, serviceKey } from '../../../src/model/names.ts';
import type { ShardStatus } from '../../../src/registry/contract.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { adapterContext } from '../adapter-context.ts';
import { eventually } from '../eventually.ts';

/** Running adapter with a registry of its own. */
export interface Followed {
  status(): ShardStatus;
  /** Returns the endpoints of a service of the namespace `default`, without departed ones. */
  endpoints(host: string): readonly Endpoint[];
  /** Returns `address:port` for each of them. */
  addresses(host: string): readonly string[];
  services(): readonly string[];
  problems(): readonly { readonly origin: string; readonly message: string }[];
  /** All changes that the adapter has written since the start, with those of complete listings. */
  readonly written: readonly ShardChange[];
  /** Numbers of services in each complete listing. */
  readonly listings: readonly number[];
  /** Messages of the adapter's log. */
  readonly logged: readonly string[];
  until(state: ShardStatus['state']): Promise<void>;
  untilAddresses(host: string, want: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

/** Only ends tests that hang. */
const timeoutMs = 300_000;

/** Starts an adapter with settings as in binnacle.yaml. */
export async function follow(settings: object): Promise<Followed> {
  const registry = createRegistry({ clock: systemClock, log: silentLogger, snapshotDir: null });
  const written: ShardChange[] = [];
  const listings: number[] = [];
  const logged: string[] = [];
  const note = (_: object, message: string) => {
    logged.push(message);
  };
  const log = { ...silentLogger, info: note, warn: note };
  const sink = registry.shard('zookeeper', 'zookeeper', {});
  const abort = new AbortController();
  const adapter = zookeeper.create(zookeeper.config.parse(settings), adapterContext({ dataDir: '', log }));
  const running = adapter.run(
    {
      ...sink,
      apply(changes) {
        written.push(...changes);
        sink.apply(changes);
      },
      replace(contents) {
        written.push(...contents.endpoints.map((set) => ({ type: 'endpoints', set }) as const));
        listings.push(contents.services.length);
        sink.replace(contents);
      },
    },
    abort.signal,
  );

  function status(): ShardStatus {
    const [first] = registry.shards();
    if (first === undefined) throw new Error('the registry has a shard');
    return first;
  }
  function endpoints(host: string): readonly Endpoint[] {
    registry.takeChanges();
    const set = registry.endpoints(serviceKey('default', hostname(host)));
    return set?.endpoints.filter(({ health }) => health !== 'departed') ?? [];
  }
  const addresses = (host: string) =>
    endpoints(host).map(({ address, ports }) => `${address}:${Object.values(ports).join()}`);
  return {
    status,
    endpoints,
    addresses,
    services() {
      registry.takeChanges();
      return [...registry.services()].map((service) => service.hostname).sort();
    },
    problems: () => registry.problems().map(({ origin, message }) => ({ origin, message })),
    written,
    listings,
    logged,
    async until(state) {
      await eventually(() => status().state === state, { what: `the shard is ${state}`, timeoutMs });
    },
    async untilAddresses(host, want) {
      const text = JSON.stringify(want.toSorted());
      await eventually(() => JSON.stringify(addresses(host).toSorted()) === text, {
        what: `${host} is at ${text}`,
        timeoutMs,
      });
    },
    async stop() {
      abort.abort();
      await running;
      await registry.close();
    },
  };
}
