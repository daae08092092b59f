import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { hostname, serviceKey } from '../../../src/model/names.ts';
import type { Registry } from '../../../src/registry/contract.ts';
import { createRegistry } from '../../../src/registry/registry.ts';
import { createAdapters, runAdapters } from '../../../src/serve/adapters.ts';
import { adapterContext } from '../adapter-context.ts';
import { eventually } from '../eventually.ts';

/** The adapter `kubernetes` with a registry, as in the program, without anybody who is served. */
export interface Reader {
  readonly registry: Registry;
  /** Its data directory, and where its files are written. */
  readonly dir: string;
  /** Returns the state of each shard by name. */
  states(): Readonly<Record<string, string>>;
  /** Returns `ADDRESS CLUSTER NETWORK` of each endpoint of `name.namespace`, sorted. */
  endpoints(service: string): readonly string[];
  /** Returns `Kind namespace/name` of the objects that were passed on and are not removed. */
  objects(): readonly string[];
  /** Returns the messages about entries by origin. */
  problems(): Readonly<Record<string, string>>;
  /** Waits until an equal value is returned. */
  until<Value>(read: () => Value, want: Value): Promise<void>;
  /** Records from now on what the endpoints of a service are whenever `address` is not among them. The result ends it. */
  gaps(service: string, address: string): () => readonly (readonly string[])[];
  /** Ends the adapter and writes the snapshots. The directory stays for another life. */
  stop(): Promise<void>;
}

export interface ReaderOptions {
  /** Keys of the adapter. `kubeconfig` is the text of one. */
  readonly settings: Readonly<Record<string, unknown>> & { readonly kubeconfig: string };
  /** Data directory, perhaps that of an earlier life. */
  readonly dir: string;
  readonly syncTimeoutSeconds?: number;
}

export async function startReader({ settings, dir, syncTimeoutSeconds = 60 }: ReaderOptions): Promise<Reader> {
  const kubeconfig = join(dir, 'kubeconfig');
  await writeFile(kubeconfig, settings.kubeconfig, { mode: 0o600 });
  const log = silentLogger;
  const registry = createRegistry({ clock: systemClock, log, snapshotDir: join(dir, 'shards'), departedMs: 0 });
  const made = createAdapters(
    {
      dataDir: dir,
      domainSuffix: 'cluster.local',
      adapters: [
        {
          name: 'kubernetes',
          type: 'kubernetes',
          required: true,
          syncTimeoutSeconds,
          options: { ...settings, kubeconfig },
        },
      ],
    },
    { clock: systemClock, log, registry, observerOf: () => adapterContext({ dataDir: dir }).observer },
  );
  const abort = new AbortController();
  const running = runAdapters(made, log, abort.signal);
  const objects = new Set<string>();
  const takeObjects = () => {
    for (const change of registry.takeRawChanges()) {
      if (change.type === 'object') {
        const { kind, metadata } = change.object;
        objects.add(`${kind} ${metadata.namespace}/${metadata.name}`);
      } else if (change.type === 'object-removed') objects.delete(`${change.kind} ${change.namespace}/${change.name}`);
    }
  };
  function endpoints(service: string): readonly string[] {
    registry.takeChanges();
    const [, namespace = ''] = service.split('.');
    const set = registry.endpoints(serviceKey(namespace, hostname(`${service}.svc.cluster.local`)));
    return (set?.endpoints ?? []).map(({ address, cluster, network }) => `${address} ${cluster} ${network}`).sort();
  }
  return {
    registry,
    dir,
    states: () => Object.fromEntries(registry.shards().map(({ name, state }) => [name, state])),
    endpoints,
    objects() {
      takeObjects();
      return [...objects].sort();
    },
    problems: () => Object.fromEntries(registry.problems().map(({ origin, message }) => [origin, message])),
    async until(read, want) {
      const isEqual = () => {
        const value = JSON.stringify(read());
        if (value !== JSON.stringify(want)) throw new Error(`it is ${value}`);
        return true;
      };
      await eventually(isEqual, { what: JSON.stringify(want), timeoutMs: 90_000 });
    },
    gaps(service, address) {
      const seen: (readonly string[])[] = [];
      const stop = registry.onChange(() => {
        const now = endpoints(service);
        if (!now.some((endpoint) => endpoint.startsWith(`${address} `))) seen.push(now);
      });
      return () => {
        stop();
        return seen;
      };
    },
    async stop() {
      abort.abort();
      await running;
      await registry.close();
    },
  };
}
