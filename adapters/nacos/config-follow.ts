import { createHash } from 'node:crypto';
import { sleep } from '../../src/lib/sleep.ts';
import {
  type ConfigKey,
  changedConfigs,
  configContent,
  configErrors,
  configKeyText,
  configNotice,
  tenantOf,
} from './config-messages.ts';
import { NacosError } from './connection.ts';
import {
  type ConnectedServer,
  type ConnectionUse,
  type KeptConnectionOptions,
  keepConnection,
} from './keep-connection.ts';
import { createQueue } from './queue.ts';

export interface ConfigFollowOptions extends Omit<KeptConnectionOptions, 'module'> {
  /** Interval of comparisons of all configurations with the server, in which lost notices are noticed. */
  readonly reconcileSeconds: number;
  /** Called with each new content of a followed configuration; null when it is removed. Absent ones are not told. */
  readonly received: (key: ConfigKey, content: string | null) => void;
  /** Called when all followed configurations were compared once since the connection. */
  readonly ready: () => void;
  /** Called with the reason why a configuration cannot be read, or null when it can. Its last content stays. */
  readonly problem: (key: ConfigKey, message: string | null) => void;
}

/**
 * Follows configurations of one namespace over a connection of its own. Contents survive lost connections: after each
 * new one, only what differs is read.
 */
export interface ConfigFollower {
  /** Follows a configuration from now on. It may not exist yet. */
  add(key: ConfigKey): void;
  /** Follows it no longer. Nothing more is told of it. */
  remove(key: ConfigKey): void;
  /** Runs until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

interface FollowedConfig {
  readonly key: ConfigKey;
  /** Checksum of the content; empty if it does not exist, or was not read yet. */
  md5: string;
}

/** Configurations in one `ConfigBatchListenRequest`. */
const batchSize = 1_000;
/** Number of contents that are read at once. */
const concurrency = 16;
/** Delay before a configuration is read again that is being written, or whose reading failed. */
const againMs = 500;

export function createConfigFollower(options: ConfigFollowOptions): ConfigFollower {
  const followed = new Map<string, FollowedConfig>();
  let use: ConfigUse | null = null;

  return {
    add(key) {
      const text = configKeyText(key);
      if (followed.has(text)) return;
      followed.set(text, { key, md5: '' });
      use?.added(text);
    },
    remove(key) {
      const text = configKeyText(key);
      if (followed.delete(text)) use?.removed(key);
    },
    run: (signal) =>
      keepConnection(
        { ...options, module: 'config' },
        (server) => {
          use = createUse(server, { options, followed });
          return use;
        },
        signal,
      ),
  };
}

interface ConfigUse extends ConnectionUse {
  added(text: string): void;
  removed(key: ConfigKey): void;
}

function createUse(
  { request, signal: ended }: ConnectedServer,
  { options, followed }: { options: ConfigFollowOptions; followed: Map<string, FollowedConfig> },
): ConfigUse {
  const { clock, log, rotation, namespace } = options;
  const tenant = tenantOf(namespace);
  const reads = createQueue<string>({ concurrency, keyOf: (text) => text, run: read });
  /** Configurations that were added since the last comparison. */
  let added: string[] = [];
  let isRunning = false;

  /** Compares checksums with the server, which then tells changes, and reads what differs. */
  async function compare(texts: readonly string[]): Promise<void> {
    for (let from = 0; from < texts.length && !ended.aborted; from += batchSize) {
      const configs = texts.slice(from, from + batchSize).flatMap((text) => followed.get(text) ?? []);
      const answer = await listen(configs, true);
      for (const key of changedConfigs.parse(answer).changedConfigs ?? []) reads.add(configKeyText(key));
    }
  }

  const listen = (configs: readonly FollowedConfig[], isOn: boolean) =>
    request('ConfigBatchListenRequest', {
      listen: isOn,
      module: 'config',
      configListenContexts: configs.map(({ key, md5 }) => ({ ...key, md5, tenant })),
    });

  async function read(text: string): Promise<void> {
    const config = followed.get(text);
    if (config === undefined) return;
    try {
      const answer = configContent.parse(
        await request('ConfigQueryRequest', { ...config.key, tenant, module: 'config' }),
      );
      apply(text, config, answer.content ?? '', answer.md5 ?? null);
    } catch (cause) {
      if (!(cause instanceof NacosError)) return; // the connection is lost; everything is compared after it
      if (cause.code === configErrors.notFound) apply(text, config, null, null);
      else if (cause.code === configErrors.isBeingWritten) clock.after(againMs, () => reads.add(text));
      else options.problem(config.key, `it cannot be read: ${cause.message}`);
    }
  }

  function apply(text: string, config: FollowedConfig, content: string | null, serverMd5: string | null): void {
    if (followed.get(text) !== config) return; // removed meanwhile
    const md5 = content === null ? '' : (serverMd5 ?? createHash('md5').update(content).digest('hex'));
    options.problem(config.key, null);
    if (md5 === config.md5) return;
    config.md5 = md5;
    options.received(config.key, content);
  }

  async function compareAgain(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(clock, options.reconcileSeconds * 1_000, signal);
      if (!signal.aborted) await compare([...followed.keys()]);
    }
  }

  /** Compares what was added in one turn together. */
  function compareAdded(): void {
    const texts = added;
    added = [];
    compare(texts).catch((cause: unknown) => {
      if (!(cause instanceof NacosError)) return; // the connection is lost
      for (const config of texts.flatMap((text) => followed.get(text) ?? []))
        options.problem(config.key, `it cannot be followed: ${cause.message}`);
    });
  }

  return {
    added(text) {
      if (!isRunning) return;
      added.push(text);
      if (added.length === 1) setImmediate(compareAdded);
    },
    removed(key) {
      if (isRunning) listen([{ key, md5: '' }], false).catch(() => {}); // else the server tells in vain, which is ignored
    },
    pushed(type, body) {
      const notice = type === 'ConfigChangeNotifyRequest' ? configNotice.safeParse(body) : null;
      if (notice?.success === true) reads.add(configKeyText(notice.data));
      else log.warn({ type }, 'message of the server left out');
    },
    async run(_connection, signal) {
      isRunning = true;
      await compare([...followed.keys()]);
      await reads.idle();
      if (signal.aborted) return;
      rotation.succeeded();
      log.info({ namespace, server: rotation.current().target }, 'configuration followed');
      options.ready();
      await compareAgain(signal);
    },
  };
}
