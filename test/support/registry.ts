import type { ShardContents } from '../../src/adapter-contract/adapter.ts';
import { type Logger, silentLogger } from '../../src/lib/logger.ts';
import { isCallable } from '../../src/model/endpoint.ts';
import type { Registry } from '../../src/registry/contract.ts';
import { createRegistry } from '../../src/registry/registry.ts';
import { type FakeClock, fakeClock } from './fake-clock.ts';

/** Creates a registry with a fake clock. */
export function testRegistry(
  snapshotDir: string | null = null,
  log: Logger = silentLogger,
): { registry: Registry; clock: FakeClock } {
  const clock = fakeClock();
  return { registry: createRegistry({ clock, log, snapshotDir }), clock };
}

export const contents = (fields: Partial<ShardContents>): ShardContents => ({
  services: [],
  endpoints: [],
  workloads: [],
  objects: [],
  ...fields,
});

/** Formats changes as short lines. */
export const story = (registry: Registry): readonly string[] =>
  registry.takeChanges().map((change) => {
    if (change.type === 'service') return `service ${change.service.hostname} of ${change.service.registry}`;
    if (change.type === 'service-removed') return `gone ${change.key}`;
    const named = change.set.endpoints.map((it) => (isCallable(it) ? it.address : `${it.address}(${it.health})`));
    return `endpoints ${change.set.hostname}: ${named.join(' ') || 'none'}`;
  });
