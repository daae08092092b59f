import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type FakeClock, fakeClock } from '../support/fake-clock.ts';
import { type FakeRegistry, fakeRegistry } from '../support/fake-registry.ts';
import { runs } from '../support/property-runs.ts';
import { type RegistrationAdapter, startRegistrationAdapter } from '../support/registration-adapter.ts';

const ids = ['a', 'b', 'c'] as const;
const hosts = ['orders.registry', 'ratings.registry'] as const;
const registries = ['nacos', 'zk'] as const;

interface Put {
  readonly host: string;
  readonly id: string;
  readonly registry: string | null;
  readonly address: number;
  readonly ttlSeconds: number;
}

type Step =
  | (Put & { readonly type: 'put' })
  | { readonly type: 'delete'; readonly host: string; readonly id: string }
  | { readonly type: 'pass'; readonly seconds: number }
  | { readonly type: 'down' | 'up' | 'lose'; readonly registry: string }
  /** The process ends at once, while a write is under way, and another one starts with what is on the disk. */
  | (Put & { readonly type: 'kill' });

/** No story lasts that long. */
const longSeconds = 86_400;

const id = fc.constantFrom(...ids);
const host = fc.constantFrom(...hosts);
const registry = fc.constantFrom(...registries);
const put = {
  ...{ host, id, registry: fc.option(registry), address: fc.nat(3) },
  ttlSeconds: fc.constantFrom(30, longSeconds),
};
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ type: fc.constant('put' as const), ...put }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('delete' as const), host, id }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('pass' as const), seconds: fc.integer({ min: 1, max: 20 }) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('down' as const, 'up', 'lose'), registry }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('kill' as const), ...put }) },
);

/** Runs steps against the adapter and registries in memory. */
class Story {
  readonly #root: string;
  readonly #clock: FakeClock = fakeClock();
  readonly #registries = new Map<string, FakeRegistry>(registries.map((name) => [name, fakeRegistry()]));
  /** Acknowledged registrations whose lease cannot have ended, by URL. */
  readonly #acknowledged = new Map<string, Put>();
  #runs = 0;
  #api: RegistrationAdapter | null = null;

  constructor(root: string) {
    this.#root = root;
  }

  get api(): RegistrationAdapter {
    if (this.#api === null) throw new Error('it has started');
    return this.#api;
  }

  async start(): Promise<void> {
    const writers = new Map([...this.#registries].map(([name, { writer }]) => [name, writer]));
    const dataDir = join(this.#root, String(this.#runs));
    this.#api = await startRegistrationAdapter({ dataDir, clock: this.#clock, registryWriters: () => writers });
  }

  async take(one: Step): Promise<void> {
    switch (one.type) {
      case 'put':
        await this.api.call('PUT', urlOf(one), bodyOf(one));
        if (one.ttlSeconds === longSeconds) this.#acknowledged.set(urlOf(one), one);
        else this.#acknowledged.delete(urlOf(one));
        break;
      case 'delete':
        await this.api.call('DELETE', urlOf(one));
        this.#acknowledged.delete(urlOf(one));
        break;
      case 'pass':
        this.#clock.advance(one.seconds * 1_000);
        break;
      case 'kill':
        await this.#kill(one);
        break;
      case 'lose':
        this.#registries.get(one.registry)?.lose();
        break;
      default:
        this.#registries.get(one.registry)?.down(one.type === 'down' ? 'connection refused' : null);
    }
  }

  async #kill(one: Put): Promise<void> {
    const unanswered = this.api.call('PUT', urlOf(one), bodyOf(one));
    this.#acknowledged.delete(urlOf(one));
    await cp(join(this.#root, String(this.#runs)), join(this.#root, String(this.#runs + 1)), {
      recursive: true,
      filter: (path) => !path.endsWith('.tmp'), // it vanishes when it is renamed
    });
    await unanswered;
    await this.close();
    this.#runs += 1;
    for (const { lose } of this.#registries.values()) lose(); // what a process has registered goes with it
    await this.start();
    for (const [url, { registry: name, address }] of this.#acknowledged) {
      const { body } = await this.api.call('GET', url);
      expect([body.registry ?? null, body.address]).toEqual([name, `10.0.0.${address + 1}`]);
    }
  }

  /** Repairs the registries, and lets the longest delay between attempts pass. */
  async settle(): Promise<void> {
    for (const one of this.#registries.values()) one.down(null);
    await this.quiet();
    this.#clock.advance(31_000);
    await this.quiet();
  }

  /** Waits for writes of the journal, then for all that waits for nothing else. */
  async quiet(): Promise<void> {
    await this.api.call(
      'PUT',
      urlOf({ host: 'last', id: 'a' }),
      bodyOf({ registry: null, address: 0, ttlSeconds: 30 }),
    );
    await this.api.call('DELETE', urlOf({ host: 'last', id: 'a' }));
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  contents(): readonly string[] {
    return [...this.#registries].flatMap(([name, one]) => one.contents().map((text) => `${name} ${text}`)).sort();
  }

  async close(): Promise<void> {
    await this.#api?.close();
    this.#api = null;
  }
}

const urlOf = (one: { readonly host: string; readonly id: string }): string =>
  `/registry/v1/namespaces/shop/services/${one.host}/instances/${one.id}`;

const bodyOf = ({ registry: name, address, ttlSeconds }: Omit<Put, 'host' | 'id'>): object => ({
  address: `10.0.0.${address + 1}`,
  ports: [{ name: 'http', port: 80 }],
  ttlSeconds,
  ...(name === null ? {} : { registry: name }),
});

/** Builds the contents that the registries should have, of the instances that the API has. */
async function wanted(api: RegistrationAdapter): Promise<readonly string[]> {
  const places = new Map<string, string[]>();
  for (const one of hosts) {
    const { body } = await api.call('GET', `/registry/v1/namespaces/shop/services/${one}/instances`);
    for (const { registry: name, address } of body.instances) {
      if (name === undefined) continue;
      const key = `${name} ${one}:`;
      places.set(key, [...(places.get(key) ?? []), `${address}:80`]);
    }
  }
  return [...places].map(([key, list]) => `${key} ${list.sort().join(' ')}`).sort();
}

it('registries have exactly the instances that are registered, whatever failed and whenever the process was killed', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const root = await mkdtemp(join(tmpdir(), 'binnacle-registries-'));
      const story = new Story(root);
      try {
        await story.start();
        for (const one of steps) await story.take(one);
        await story.settle();
        expect(story.contents()).toEqual(await wanted(story.api));
      } finally {
        await story.close();
        await rm(root, { recursive: true, force: true });
      }
    }),
    { numRuns: runs(60) },
  );
}, 600_000);
