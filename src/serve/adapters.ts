import { join } from 'node:path';
import { adapters as known } from '../../adapters/index.ts';
import type { Adapter, AdapterObserver, ShardSink } from '../adapter-contract/adapter.ts';
import type { ConfigurableAdapter } from '../adapter-contract/configurable.ts';
import type { RegistryWriter } from '../adapter-contract/registry-writer.ts';
import type { Clock } from '../lib/clock.ts';
import { MeshError } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import type { Registry } from '../registry/contract.ts';
import type { ServeConfig } from './config.ts';

/** Configured adapter with its shard, not yet running. */
export interface MadeAdapter {
  readonly name: string;
  readonly adapter: Adapter;
  readonly sink: ShardSink;
}

export interface AdapterWiring {
  readonly clock: Clock;
  readonly log: Logger;
  readonly registry: Registry;
  readonly observerOf: (name: string) => AdapterObserver;
  /** Kinds of adapters; by default those of adapters/index.ts. */
  readonly definitions?: readonly ConfigurableAdapter[];
}

/** Creates the configured adapters and opens their shards, for which readiness then waits. */
export function createAdapters(
  config: Pick<ServeConfig, 'adapters' | 'dataDir' | 'domainSuffix'>,
  { clock, log, registry, observerOf, definitions = known }: AdapterWiring,
): readonly MadeAdapter[] {
  const writers = new Map<string, RegistryWriter>();
  return config.adapters.map(({ name, type, options, required, syncTimeoutSeconds }, order) => {
    const definition = definitions.find((one) => one.kind === type);
    if (definition === undefined) {
      const kinds = definitions.map((one) => one.kind).join(', ');
      throw new MeshError('CONFIG_INVALID', `adapters: "${name}" has the unknown type "${type}"; there are ${kinds}`);
    }
    const shardOptions = {
      required,
      syncTimeoutMs: syncTimeoutSeconds * 1000,
      savesSnapshot: !definition.isDurable,
      isSelfRegistered: definition.isSelfRegistered,
      order,
    };
    const made = definition.configure(options, {
      name,
      clock,
      log: log.child({ adapter: name }),
      dataDir: join(config.dataDir, 'adapters', name),
      domainSuffix: config.domainSuffix,
      registrationRefusal: registry.registrationRefusal,
      registryWriters: () => writers,
      openShard(part, { isAwaited }) {
        const own = `${name}/${part}`;
        const awaited = { required: required && isAwaited, isAwaitedBriefly: true };
        const opened = registry.shard(own, type, { ...shardOptions, ...awaited });
        return { sink: opened, remove: () => registry.removeShard(own) };
      },
      observer: observerOf(name),
    });
    if (!made.ok) {
      const mistakes = made.error
        .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
        .join('; ');
      throw new MeshError('CONFIG_INVALID', `adapters: "${name}" (${type}): ${mistakes}`);
    }
    if (made.value.registryWriter !== undefined) writers.set(name, made.value.registryWriter);
    return { name, adapter: made.value, sink: registry.shard(name, type, shardOptions) };
  });
}

/**
 * Runs all adapters until the signal aborts. A rejection is a bug in one adapter: it is logged and the others continue.
 */
export async function runAdapters(made: readonly MadeAdapter[], log: Logger, signal: AbortSignal): Promise<void> {
  await Promise.all(
    made.map(async ({ name, adapter, sink }) => {
      try {
        await adapter.run(sink, signal);
      } catch (error) {
        log.error({ adapter: name, err: error }, 'adapter failed');
        sink.degraded('a fault of the adapter; the log says more');
      }
    }),
  );
}
