import { credentials } from '@grpc/grpc-js';
import { type ConfigFollower, createConfigFollower } from '../../../adapters/nacos/config-follow.ts';
import { configKeyText } from '../../../adapters/nacos/config-messages.ts';
import { connect, type NacosConnection } from '../../../adapters/nacos/connection.ts';
import { noLogin } from '../../../adapters/nacos/login.ts';
import { createRotation, type NacosServer } from '../../../adapters/nacos/servers.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/logger.ts';

const security = { credentials: credentials.createInsecure(), serverName: null };

/** Running follower of configurations. */
export interface FollowedConfigs extends Pick<ConfigFollower, 'add' | 'remove'> {
  /** Contents by `GROUP@@dataId`, without removed ones. */
  readonly contents: ReadonlyMap<string, string>;
  /** Everything that was told: `GROUP@@dataId=content`; an empty content for a removed one. */
  readonly told: readonly string[];
  /** Number of times that all were compared, one for each connection. */
  readonly compared: number;
  /** Reasons why configurations cannot be read. */
  readonly problems: ReadonlyMap<string, string>;
  /** Reasons of lost connections. */
  readonly lost: readonly string[];
  stop(): Promise<void>;
}

export interface FollowConfigsOptions {
  /** Targets of gRPC, `127.0.0.1:port`. */
  readonly targets: readonly string[];
  readonly namespace?: string;
  readonly reconcileSeconds?: number;
}

export function followConfigs({
  targets,
  namespace = 'public',
  reconcileSeconds = 300,
}: FollowConfigsOptions): FollowedConfigs {
  const contents = new Map<string, string>();
  const told: string[] = [];
  const problems = new Map<string, string>();
  const lost: string[] = [];
  let compared = 0;
  const follower = createConfigFollower({
    namespace,
    rotation: createRotation(targets.map((target): NacosServer => ({ target, url: '' }))),
    security: async () => security,
    login: noLogin,
    clock: systemClock,
    log: silentLogger,
    reconcileSeconds,
    received(key, content) {
      told.push(`${configKeyText(key)}=${content ?? ''}`);
      if (content === null) contents.delete(configKeyText(key));
      else contents.set(configKeyText(key), content);
    },
    ready() {
      compared += 1;
    },
    lost: (reason) => lost.push(reason),
    problem(key, message) {
      if (message === null) problems.delete(configKeyText(key));
      else problems.set(configKeyText(key), message);
    },
  });
  const abort = new AbortController();
  const running = follower.run(abort.signal);
  return {
    add: follower.add,
    remove: follower.remove,
    contents,
    told,
    problems,
    lost,
    get compared() {
      return compared;
    },
    async stop() {
      abort.abort();
      await running;
    },
  };
}

/** Client that writes configurations, as Nacos' console does. */
export interface ConfigWriter {
  publish(group: string, dataId: string, content: string): Promise<void>;
  remove(group: string, dataId: string): Promise<void>;
  close(): void;
}

/** Connects to the server whose HTTP port is `port`. */
export async function connectConfigWriter(port: number, namespace = 'public'): Promise<ConfigWriter> {
  const connection: NacosConnection = await connect(
    {
      target: `127.0.0.1:${port + 1_000}`,
      security,
      namespace,
      module: 'config',
      clock: systemClock,
      headers: () => ({}),
      pushed: () => {},
    },
    new AbortController().signal,
  );
  const tenant = namespace === 'public' ? '' : namespace;
  return {
    async publish(group, dataId, content) {
      await connection.request('ConfigPublishRequest', { group, dataId, tenant, content, module: 'config' });
    },
    async remove(group, dataId) {
      await connection.request('ConfigRemoveRequest', { group, dataId, tenant, module: 'config' });
    },
    close: connection.close,
  };
}
