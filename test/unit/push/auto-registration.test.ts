import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../../src/lib/logger.ts';
import {
  type AutoRegistration,
  createAutoRegistration,
} from '../../../src/push/auto-registration/auto-registration.ts';
import type { RegisteringClient } from '../../../src/push/auto-registration/entries.ts';
import { ruleBook } from '../../../src/rules/book/rule-book.ts';
import { ruleKinds } from '../../../src/rules/kinds/index.ts';
import { defaultMeshConfig } from '../../../src/rules/mesh-config.ts';
import { memoryStore } from '../../../src/store/memory/memory.ts';
import { eventually } from '../../support/eventually.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { proxy } from '../../support/world.ts';

const token = { key: 'system:serviceaccount:default:orders', by: 'token' } as const;
const account = (serviceAccount: string) => ({ ...token, key: `system:serviceaccount:default:${serviceAccount}` });

const client = (fields: Partial<RegisteringClient['proxy']> = {}, caller: RegisteringClient['caller'] = token) => ({
  caller,
  proxy: proxy({ registrationGroup: 'orders', addresses: ['10.0.0.7'], ...fields }),
});

const group = (template: object = {}) => ({
  kind: 'WorkloadGroup',
  apiVersion: 'networking.istio.io/v1',
  metadata: { name: 'orders', namespace: 'default', labels: {}, annotations: {} },
  spec: {
    template: {
      serviceAccount: 'orders',
      ports: { http: 8080 },
      labels: { app: 'orders', v: '1' },
      locality: 'eu/a',
      ...template,
    },
    metadata: { labels: { v: '2' }, annotations: { team: 'x' } },
  },
});

/** Two replicas over one store, on one clock. */
function replicas() {
  const clock = fakeClock();
  const store = memoryStore({ clock });
  const book = ruleBook({ kinds: ruleKinds, mesh: defaultMeshConfig });
  store.subscribe((changes) => book.applyStore(changes));
  const replica = (controller: string) =>
    createAutoRegistration({ store, book, clock, log: silentLogger, controller, graceMs: 10_000, anyone: false });
  return { clock, store, replica };
}

describe('a proxy that names a WorkloadGroup', () => {
  let mesh: ReturnType<typeof replicas>;
  let one: AutoRegistration;
  beforeEach(async () => {
    mesh = replicas();
    one = mesh.replica('one');
    await mesh.store.create(group(), { author: 'test' });
  });
  afterEach(() => one.stop());

  const entries = async () => (await mesh.store.list('WorkloadEntry')).items;
  const becomes = (count: number) =>
    eventually(async () => (await entries()).length === count, { what: `${count} entries` });
  /** Lets writes that have begun finish, so that the absence of further ones counts. */
  const settle = async () => {
    for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  };

  test('has an entry of its address with the settings of the group', async () => {
    one.connected(client({ labels: { v: '3' }, network: 'vms', locality: 'eu/b' }));
    await becomes(1);
    const [entry] = await entries();
    expect(entry).toMatchObject({
      metadata: { name: 'orders-10.0.0.7-vms', annotations: { team: 'x', 'istio.io/autoRegistrationGroup': 'orders' } },
      spec: {
        address: '10.0.0.7',
        ports: { http: 8080 },
        labels: { app: 'orders', v: '3' },
        network: 'vms',
        locality: 'eu/b',
        serviceAccount: 'orders',
      },
    });
  });

  test('loses it after a grace time without a connection, not before', async () => {
    const streams = [client(), client()];
    for (const stream of streams) one.connected(stream);
    await becomes(1);
    for (const stream of streams) one.disconnected(stream);
    mesh.clock.advance(9_999);
    await settle();
    expect(await entries()).toHaveLength(1);
    mesh.clock.advance(1);
    await becomes(0);
  });

  test('keeps it if it returns to this or another replica within the grace time', async () => {
    const first = client();
    one.connected(first);
    await becomes(1);
    one.disconnected(first);
    mesh.clock.advance(5_000);
    const again = client();
    one.connected(again);
    one.disconnected(again);
    const two = mesh.replica('two');
    mesh.clock.advance(1_000);
    two.connected(client());
    await eventually(async () => (await entries())[0]?.metadata.annotations['istio.io/workloadController'] === 'two', {
      what: 'the second replica',
    });
    mesh.clock.advance(20_000);
    await settle();
    expect(await entries()).toHaveLength(1);
    two.stop();
  });

  test('is registered once its group exists, and follows its changes', async () => {
    const later = client({ registrationGroup: 'later' });
    one.connected(later);
    await settle();
    expect(await entries()).toEqual([]);
    const { metadata, ...rest } = group();
    const named = { ...rest, metadata: { ...metadata, name: 'later' } };
    await mesh.store.create(named, { author: 'test' });
    await becomes(1);
    const changed = { ...named, spec: group({ weight: 7 }).spec };
    await mesh.store.update(changed, { author: 'test', expectedResourceVersion: null });
    await eventually(async () => JSON.stringify((await entries())[0]?.spec).includes('"weight":7'), {
      what: 'a weight',
    });
  });

  for (const { name, caller, want } of [
    { name: 'of another account', caller: account('thief'), want: 0 },
    { name: 'of another namespace', caller: { ...token, key: 'system:serviceaccount:other:orders' }, want: 0 },
    { name: 'without a proof', caller: { key: '10.0.0.7', by: 'address' } as const, want: 0 },
    {
      name: 'with a certificate of its account',
      caller: { key: 'spiffe://td/ns/default/sa/orders', by: 'certificate' } as const,
      want: 1,
    },
    { name: 'on this machine', caller: { key: '127.0.0.1', by: 'loopback' } as const, want: 1 },
  ]) {
    test(`${name} is ${want === 0 ? 'not ' : ''}registered`, async () => {
      one.connected(client({}, caller));
      one.connected(client({ addresses: ['10.0.0.8'] }));
      await becomes(want + 1);
    });
  }

  test('does not replace an entry that somebody wrote', async () => {
    const written = { ...group(), kind: 'WorkloadEntry', spec: { address: '10.9.9.9' } };
    await mesh.store.create(
      { ...written, metadata: { ...written.metadata, name: 'orders-10.0.0.7' } },
      { author: 'test' },
    );
    const stream = client();
    one.connected(stream);
    one.disconnected(stream);
    mesh.clock.advance(10_000);
    await settle();
    expect(await entries()).toMatchObject([{ spec: { address: '10.9.9.9' } }]);
  });

  test('that never returned to a restarted or crashed replica loses its entry', async () => {
    one.connected(client());
    await becomes(1);
    one.stop();
    const two = mesh.replica('two');
    mesh.clock.advance(600_000);
    await settle();
    expect(await entries()).toHaveLength(1);
    const restarted = mesh.replica('one');
    mesh.clock.advance(60_000);
    await becomes(0);
    restarted.stop();
    two.stop();
  });
});
