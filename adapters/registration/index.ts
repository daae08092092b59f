import { z } from 'zod';
import {
  type Adapter,
  type AdapterContext,
  defineAdapter,
  type ShardSink,
} from '../../src/adapter-contract/adapter.ts';
import { backoffMs } from '../../src/lib/backoff.ts';
import { sleep } from '../../src/lib/sleep.ts';
import { createRegistrationBook } from './book.ts';
import { registrationHttp } from './http/routes.ts';
import { createJournal } from './journal.ts';
import { createJournalHealth, reasonOf } from './journal-health.ts';
import { createRegistrar, type RegisteredElsewhere } from './registries/registrar.ts';
import { createSubscriptionBook, type SubscriptionOperation } from './subscriptions/book.ts';

const config = z.strictObject({
  ttlSeconds: z
    .number()
    .min(1)
    .default(30)
    .meta({ form: 'seconds' })
    .describe('lifetime of an instance after its last heartbeat, unless the instance sets its own'),
  emptyServiceSeconds: z
    .number()
    .min(0)
    .default(86_400)
    .meta({ form: 'seconds' })
    .describe('lifetime of a service without instances; clients see a service without endpoints, not an unknown name'),
  answerSeconds: z
    .number()
    .min(0)
    .default(3)
    .meta({ form: 'seconds' })
    .describe(
      'time for which an answer waits for the registry that an instance goes into; readiness, too, after a start',
    ),
  sidecarPorts: z
    .record(z.string().min(1), z.int().min(1).max(65_535))
    .default({ dubbo: 20_882 })
    .meta({ form: 'ports by the name of a port' })
    .describe(
      'ports of sidecars by the name of a port: an instance that goes into a registry is registered with them in place of its own',
    ),
});

export type RegistrationConfig = z.infer<typeof config>;

/**
 * Services and instances that register themselves over HTTP. The routes write to the book, and the book writes to the
 * shard.
 */
export const registration = defineAdapter<RegistrationConfig>({
  kind: 'registration',
  config,
  isDurable: true,
  isSelfRegistered: true,
  create: createRegistrationAdapter,
});

function createRegistrationAdapter(settings: RegistrationConfig, context: AdapterContext): Adapter {
  const { clock, log, dataDir, registrationRefusal, registryWriters, observer } = context;
  const journal = createJournal(dataDir);
  let sink: ShardSink | null = null;
  /** The shard has had its listing, so that changes and problems may follow. */
  let isListed = false;
  const health = createJournalHealth({ clock, log, dataDir, journal, sink: () => sink });
  const { journalled } = health;

  const book = createRegistrationBook({
    clock,
    journal,
    defaultTtlSeconds: settings.ttlSeconds,
    emptyServiceSeconds: settings.emptyServiceSeconds,
    changed(changes) {
      if (isListed) sink?.apply(changes);
    },
    journalled,
  });
  const subscriptions = createSubscriptionBook({
    clock,
    journal: createJournal<SubscriptionOperation>(dataDir, 'subscriptions.ndjson'),
    defaultTtlSeconds: settings.ttlSeconds,
    journalled,
  });
  const registrar = createRegistrar({
    clock,
    writers: registryWriters,
    answerMs: settings.answerSeconds * 1_000,
    sidecarPorts: settings.sidecarPorts,
    refused(one, reason) {
      const { namespace, host, id } = one.key;
      if (isListed) sink?.resolved(originOf(one));
      if (reason === null) return;
      log.warn({ namespace, host, id, registry: one.registry, reason }, 'instance refused by its registry');
      if (isListed) sink?.problem(originOf(one), reason);
    },
  });
  const leases = observer.leases();
  book.watch((event) => {
    if (event.type === 'put') {
      registrar.put(event.instance);
      return;
    }
    registrar.remove(event.key);
    if (event.reason === 'expired') leases.expired();
  });

  /**
   * Registers what the journal has. Resolves after the first attempts, or after a while. Until then, the shard has no
   * listing and sidecars are not served: a registry may have removed the instances when the former process ended.
   */
  async function registerAgain(signal: AbortSignal): Promise<void> {
    const attempts = [...book.all()].map((instance) => {
      registrar.put(instance);
      return registrar.attempt(instance);
    });
    await Promise.race([Promise.all(attempts), aborted(signal)]);
  }

  async function loadUntilItWorks(to: ShardSink, signal: AbortSignal): Promise<void> {
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      try {
        const damaged = (await subscriptions.load()) + (await book.load());
        if (damaged > 0) log.warn({ dataDir, lines: damaged }, 'damaged journal lines dropped');
        await registerAgain(signal);
        to.replace(book.contents());
        isListed = true;
        for (const one of registrar.list()) {
          if (one.state.type === 'failed') to.problem(originOf(one), one.state.reason);
        }
        return;
      } catch (cause) {
        to.degraded(`the registrations in ${dataDir} cannot be read: ${reasonOf(cause)}; correct the directory`);
        await sleep(clock, backoffMs(attempt, { baseMs: 250, maxMs: 10_000 }), signal);
      }
    }
  }

  return {
    http: registrationHttp({ book, registrar, subscriptions, registrationRefusal }),
    async run(to, signal) {
      sink = to;
      await loadUntilItWorks(to, signal);
      await aborted(signal);
      health.close();
      registrar.close();
      await Promise.all([book.close(), subscriptions.close()]);
      sink = null;
      isListed = false;
    },
  };
}

const originOf = ({ key: { namespace, host, id }, registry }: Pick<RegisteredElsewhere, 'key' | 'registry'>): string =>
  `instance ${namespace}/${host}/${id} in ${registry}`;

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
