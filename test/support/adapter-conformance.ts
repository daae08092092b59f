import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Adapter, AdapterContext } from '../../src/adapter-contract/adapter.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import type { Registry } from '../../src/registry/contract.ts';
import { createRegistry } from '../../src/registry/registry.ts';
import { adapterContext } from './adapter-context.ts';

/** A platform that the suite controls. Each service has one port, `http`. */
export interface TestPlatform {
  /** Creates the adapter that reads the platform. Each run of the program calls it again. */
  adapter(context: AdapterContext): Adapter;
  /** Writes a service with one endpoint, or replaces the endpoint. Works only while an adapter runs. */
  put(service: string, address: string): Promise<void>;
  /** Removes the service's endpoint. The service disappears or stays empty. */
  remove(service: string): Promise<void>;
  /** Makes the platform unreachable or unreadable. */
  breakDown(): Promise<void>;
  repair(): Promise<void>;
  /** Closes the platform's own connections, so that those of the adapter can be told from them. Left out: it has none. */
  close?(): Promise<void>;
}

export interface ConformanceCase {
  readonly name: string;
  /** Prepares an empty platform in a directory of the test. */
  create(directory: string): Promise<TestPlatform>;
}

/** One run of the program: a registry and one running adapter. */
interface Life {
  readonly registry: Registry;
  /** Aborts the adapter, waits for it, and closes the registry. */
  end(): Promise<void>;
}

/** Tests every adapter's obligations, on its real platform or a faithful stand-in. */
export function adapterConformance({ name, create }: ConformanceCase): void {
  describe(`${name} adapter`, () => {
    let directory = '';
    let platform: TestPlatform;
    let lives: Life[] = [];

    beforeEach(async () => {
      directory = await mkdtemp(join(tmpdir(), `binnacle-${name}-`));
      await mkdir(join(directory, 'platform'));
      platform = await create(join(directory, 'platform'));
    });
    afterEach(async () => {
      for (const life of lives) await life.end();
      lives = [];
      await platform.close?.();
      await rm(directory, { recursive: true, force: true });
    });

    function begin(syncTimeoutMs = 60_000): Life {
      const life = start(platform, directory, { name, syncTimeoutMs });
      lives.push(life);
      return life;
    }

    test('lists everything at the start', async () => {
      const first = begin();
      await synced(first);
      await platform.put('reviews', '10.0.0.1');
      await platform.put('ratings', '10.0.0.2');
      await seen(first, ['ratings 10.0.0.2', 'reviews 10.0.0.1']);
      await first.end();
      const second = begin();
      await synced(second);
      expect(world(second)).toEqual(['ratings 10.0.0.2', 'reviews 10.0.0.1']);
    });

    test('sees additions and changes', async () => {
      const life = begin();
      await synced(life);
      await platform.put('reviews', '10.0.0.1');
      await seen(life, ['reviews 10.0.0.1']);
      await platform.put('reviews', '10.0.0.9');
      await seen(life, ['reviews 10.0.0.9']);
    });

    test('sees removals', async () => {
      const life = begin();
      await synced(life);
      await platform.put('reviews', '10.0.0.1');
      await platform.put('ratings', '10.0.0.2');
      await seen(life, ['ratings 10.0.0.2', 'reviews 10.0.0.1']);
      await platform.remove('reviews');
      await seen(life, ['ratings 10.0.0.2']);
    });

    test('keeps the last good shard while the platform is down, reports it, and recovers', async () => {
      const life = begin();
      await synced(life);
      await platform.put('reviews', '10.0.0.1');
      await seen(life, ['reviews 10.0.0.1']);
      await platform.breakDown();
      await vi.waitFor(() => expect(life.registry.shards()[0]?.state).toBe('degraded'), patience);
      expect(life.registry.shards()[0]?.reason).not.toBe('');
      expect(world(life)).toEqual(['reviews 10.0.0.1']);
      await platform.repair();
      await synced(life);
      expect(world(life)).toEqual(['reviews 10.0.0.1']);
    });

    test('lists again after a gap', async () => {
      const life = begin();
      await synced(life);
      await platform.put('reviews', '10.0.0.1');
      await seen(life, ['reviews 10.0.0.1']);
      await platform.breakDown();
      await vi.waitFor(() => expect(life.registry.shards()[0]?.state).toBe('degraded'), patience);
      await platform.repair();
      await synced(life);
      await platform.put('ratings', '10.0.0.2');
      await platform.remove('reviews');
      await seen(life, ['ratings 10.0.0.2']);
    });

    test('resolves when it is aborted, and sends nothing afterwards', async () => {
      const life = begin();
      await synced(life);
      await platform.put('reviews', '10.0.0.1');
      await seen(life, ['reviews 10.0.0.1']);
      await life.end();
      await platform.close?.();
      await vi.waitFor(() => expect(openThings()).toEqual([]));
    });

    test('resolves when it is aborted while the platform is down', async () => {
      await platform.breakDown();
      const life = begin();
      await vi.waitFor(() => expect(life.registry.shards()[0]?.reason).not.toBeNull(), patience);
      await life.end();
      await platform.repair();
      await platform.close?.();
      await vi.waitFor(() => expect(openThings()).toEqual([]));
    });

    test('serves the shard of the previous run when it starts while the platform is down', async () => {
      const first = begin();
      await synced(first);
      await platform.put('reviews', '10.0.0.1');
      await seen(first, ['reviews 10.0.0.1']);
      await first.end();
      await platform.breakDown();
      const second = begin(50);
      await vi.waitFor(() => expect(second.registry.shards()[0]?.state).toBe('stale'), patience);
      expect(second.registry.awaited()).toEqual([]);
      expect(world(second)).toEqual(['reviews 10.0.0.1']);
      await platform.repair();
      await synced(second);
      expect(world(second)).toEqual(['reviews 10.0.0.1']);
    });
  });
}

const patience = { timeout: 100_000, interval: 20 };

function start(
  platform: TestPlatform,
  directory: string,
  { name, syncTimeoutMs }: { name: string; syncTimeoutMs: number },
): Life {
  const log = silentLogger;
  const registry = createRegistry({ clock: systemClock, log, snapshotDir: join(directory, 'shards') });
  const context = adapterContext({ name, dataDir: join(directory, 'platform') });
  const abort = new AbortController();
  const running = platform.adapter(context).run(registry.shard(name, name, { syncTimeoutMs }), abort.signal);
  let ending: Promise<void> | null = null;
  const end = async () => {
    abort.abort();
    await running;
    await registry.close();
  };
  return {
    registry,
    end() {
      ending ??= end();
      return ending;
    },
  };
}

const synced = (life: Life) =>
  vi.waitFor(
    () => expect(life.registry.shards().map(({ state, reason }) => reason ?? state)).toEqual(['synced']),
    patience,
  );

const seen = (life: Life, want: readonly string[]) => vi.waitFor(() => expect(world(life)).toEqual(want), patience);

/** Returns `reviews 10.0.0.1` for each service that has endpoints. */
function world({ registry }: Life): readonly string[] {
  registry.takeChanges();
  return [...registry.services()]
    .map((service) => {
      const set = registry.endpoints(`${service.namespace}/${service.hostname}` as never); // the key's own form
      return [service.hostname.split('.')[0], ...(set?.endpoints.map(({ address }) => address) ?? [])].join(' ');
    })
    .filter((line) => line.includes(' '))
    .sort();
}

/** Files, watchers and sockets that keep a process alive. Timers of the adapters do not. */
const openThings = (): readonly string[] =>
  process.getActiveResourcesInfo().filter((thing) => /FSEvent|StatWatcher|FSReq|TCP/.test(thing));
