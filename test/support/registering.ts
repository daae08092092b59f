import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { AdapterDefinition } from '../../src/adapter-contract/adapter.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { createRegistry } from '../../src/registry/registry.ts';
import { adapterContext } from './adapter-context.ts';
import { eventually } from './eventually.ts';
import { type RegistrationAdapter, startRegistrationAdapter } from './registration-adapter.ts';

/** Registration API with one adapter that takes its registrations, named `registry`. */
export interface Registering extends RegistrationAdapter {
  /** Returns what the adapter reads of a service: `10.0.0.1 {"dubbo":20882}` for each endpoint. */
  endpoints(host: string): readonly string[];
  /** Directory of the journal. */
  readonly dataDir: string;
  /** Resolves once both have synced, when a control plane would be ready. */
  synced(): Promise<void>;
  /** Ends both in order, before the test ends. */
  stop(): Promise<void>;
}

/** Starts both, with settings as in binnacle.yaml. They end with the test. `dataDir`: that of a former start. */
export async function startRegistering<Config>(
  definition: AdapterDefinition<Config>,
  settings: object,
  { dataDir: given }: { readonly dataDir?: string } = {},
): Promise<Registering> {
  const registry = createRegistry({ clock: systemClock, log: silentLogger, snapshotDir: null, departedMs: 0 });
  const dataDir = given ?? (await mkdtemp(join(tmpdir(), 'binnacle-registering-')));
  const parsed = definition.config.parse({ acceptsRegistrations: true, ...settings });
  const adapter = definition.create(parsed, adapterContext({ dataDir }));
  const { registryWriter } = adapter;
  if (registryWriter === undefined) throw new Error('it takes registrations');
  const abort = new AbortController();
  const running = adapter.run(registry.shard('registry', definition.kind), abort.signal);
  const api = await startRegistrationAdapter({
    dataDir,
    clock: systemClock,
    registryWriters: () => new Map([['registry', registryWriter]]),
    settings: { answerSeconds: 300 }, // on a busy machine too
  });
  let ending: Promise<void> | null = null;
  async function end(): Promise<void> {
    await api.close();
    abort.abort();
    await running;
    await registry.close();
  }
  const stop = () => {
    ending ??= end();
    return ending;
  };
  onTestFinished(async () => {
    await stop();
    await rm(dataDir, { recursive: true, force: true });
  });
  return {
    ...api,
    dataDir,
    async synced() {
      await eventually(() => registry.awaited().length === 0, { what: 'the registry is read', timeoutMs: 200_000 });
    },
    endpoints: (host) =>
      [...registry.endpointShards()]
        .filter(({ set }) => set.hostname === host)
        .flatMap(({ set }) => set.endpoints.map(({ address, ports }) => `${address} ${JSON.stringify(ports)}`))
        .sort(),
    stop,
  };
}
