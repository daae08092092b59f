import { registration } from '../../adapters/registration/index.ts';
import type { AdapterContext, ShardSink } from '../../src/adapter-contract/adapter.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { createRegistry } from '../../src/registry/registry.ts';
import { adapterContext } from './adapter-context.ts';
import { adapterServer } from './adapter-server.ts';
import { eventually } from './eventually.ts';

export interface RegistrationAdapterOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly registryWriters: AdapterContext['registryWriters'];
  readonly settings?: object;
  readonly registrationRefusal?: AdapterContext['registrationRefusal'];
}

/** Running registration API with a registry of its own, without a port. */
export interface RegistrationAdapter {
  call(method: 'GET' | 'PUT' | 'POST' | 'DELETE', url: string, payload?: object): Promise<CallResult>;
  /** Returns the services that its shard has: `orders.example 10.0.0.1`. */
  services(): readonly string[];
  /** Returns the entries that are reported: `origin: message`. */
  problems(): readonly string[];
  workloads(): readonly string[];
  close(): Promise<void>;
}

interface CallResult {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests read the JSON that they expect
  readonly body: any;
}

export async function startRegistrationAdapter(options: RegistrationAdapterOptions): Promise<RegistrationAdapter> {
  const { dataDir, clock, registryWriters, registrationRefusal = () => null, settings = {} } = options;
  const registry = createRegistry({ clock, log: silentLogger, snapshotDir: null, departedMs: 0 });
  const context = adapterContext({ dataDir, clock, registryWriters, registrationRefusal });
  const adapter = registration.create(registration.config.parse(settings), context);
  const server = adapterServer([adapter]);
  const abort = new AbortController();
  const sink: ShardSink = registry.shard('registration', 'registration', { isSelfRegistered: true });
  const running = adapter.run(sink, abort.signal);
  await eventually(() => registry.awaited().length === 0, { what: 'the journal is read' });
  return {
    async call(method, url, payload) {
      const response = await server.inject({ method, url, ...(payload === undefined ? {} : { payload }) });
      return { status: response.statusCode, body: response.body === '' ? null : response.json() };
    },
    services: () =>
      [...registry.endpointShards()]
        .map(({ set }) => [set.hostname, ...set.endpoints.map(({ address }) => address)].join(' '))
        .sort(),
    problems: () => registry.problems().map(({ origin, message }) => `${origin}: ${message}`),
    workloads: () =>
      registry
        .takeRawChanges()
        .flatMap((change) => (change.type === 'workload' ? [change.workload.name] : []))
        .sort(),
    async close() {
      abort.abort();
      await running;
      await registry.close();
      await server.close();
    },
  };
}
