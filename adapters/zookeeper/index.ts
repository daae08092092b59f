import { readFile } from 'node:fs/promises';
import {
  type Adapter,
  type AdapterContext,
  defineAdapter,
  type ShardSink,
} from '../../src/adapter-contract/adapter.ts';
import { createAddresses } from '../../src/dns/addresses.ts';
import { createGovernance } from '../../src/dubbo/governance/governance.ts';
import { createCatalog } from './catalog.ts';
import { keepSession } from './client/session.ts';
import { configSchema, serverAddress, type ZooKeeperConfig } from './config.ts';
import { shortOrigin } from './layouts/layout.ts';
import { layoutsOf } from './layouts/layouts.ts';
import { createPublisher } from './publisher.ts';
import { followTrees } from './tree/follow.ts';
import { Mirror } from './tree/mirror.ts';
import { createZooKeeperWriter } from './writer/writer.ts';

/** Services of Dubbo, Motan and Curator in ZooKeeper. */
export const zookeeper = defineAdapter<ZooKeeperConfig>({
  kind: 'zookeeper',
  config: configSchema,
  create(settings, context): Adapter {
    if (!settings.acceptsRegistrations) return { run: (sink, signal) => follow(settings, { context, sink, signal }) };
    const writer = createZooKeeperWriter({ settings, ...sessionOf(settings, context) });
    return {
      registryWriter: writer,
      async run(sink, signal) {
        await Promise.all([follow(settings, { context, sink, signal }), writer.run(signal)]);
      },
    };
  },
});

interface Run {
  readonly context: AdapterContext;
  readonly sink: ShardSink;
  readonly signal: AbortSignal;
}

async function follow(settings: ZooKeeperConfig, { context, sink, signal }: Run): ReturnType<Adapter['run']> {
  const { clock, log } = context;
  const addresses = createAddresses({
    clock,
    changed(host, users) {
      catalog.resolved(users);
      const fault = addresses.fault(host);
      const reported = fault === null || users.length === 0 ? null : `it cannot be resolved: ${fault}`;
      publisher.report(`host ${host}`, reported);
      publisher.publishIfWhole();
    },
  });
  const governance = createGovernance({ report: (origin, message) => publisher.report(shortOrigin(origin), message) });
  const catalog = createCatalog({
    namespace: settings.namespace,
    holdMs: settings.lastInstanceSeconds * 1_000,
    addresses,
    governance,
  });
  const publisher = createPublisher({ catalog, clock, log, sink, isPending: addresses.isPending });
  const layouts = layoutsOf(settings, { catalog, governance, chroot: settings.chroot ?? '', report: publisher.report });
  const trees = layouts.flatMap((layout) => layout.trees).map((tree) => ({ ...tree, mirror: new Mirror(tree) }));

  const resolving = addresses.run(signal);
  await keepSession(
    {
      ...sessionOf(settings, context),
      lost: publisher.lost,
      use: (connection) =>
        followTrees({
          connection,
          mirrors: trees.map(({ mirror }) => mirror),
          clock,
          reconcileMs: settings.reconcileSeconds * 1_000,
          denied: (path, message) => publisher.report(path, message === null ? null : `it may not be read: ${message}`),
          changed() {
            for (const { mirror, apply } of trees) for (const change of mirror.takeChanges()) apply(change);
            publisher.publish();
          },
        }),
    },
    signal,
  );
  await resolving;
  publisher.close();
}

const sessionOf = (settings: ZooKeeperConfig, { clock, log }: Pick<AdapterContext, 'clock' | 'log'>) => ({
  servers: settings.servers.map(serverAddress),
  timeoutMs: settings.sessionTimeoutSeconds * 1_000,
  clock,
  log,
  credentials: () => credentialsOf(settings),
});

async function credentialsOf({ username, passwordFile, tls }: ZooKeeperConfig) {
  const textOf = async (file: string | undefined) => (file === undefined ? undefined : await readFile(file, 'utf8'));
  const password = (await textOf(passwordFile))?.replace(/\r?\n$/, '');
  return {
    digest: username === undefined ? null : `${username}:${password}`,
    tls:
      tls === undefined
        ? null
        : withoutUndefined({
            ca: await textOf(tls.caFile),
            cert: await textOf(tls.certFile),
            key: await textOf(tls.keyFile),
          }),
  };
}

const withoutUndefined = (values: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
