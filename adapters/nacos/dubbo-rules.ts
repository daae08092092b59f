import { parseOldYaml } from '../../src/adapter-contract/yaml.ts';
import { createGovernance, type Governance } from '../../src/dubbo/governance/governance.ts';
import { providerApplication } from '../../src/dubbo/governance/provider-condition.ts';
import { readRuleText } from '../../src/dubbo/governance/read-rules.ts';
import { namesOfApplication, namesOfService, parseRuleName } from '../../src/dubbo/governance/rule-name.ts';
import type { Provider } from '../../src/dubbo/provider.ts';
import { type ConfigFollowOptions, createConfigFollower } from './config-follow.ts';
import { type ConfigKey, configKeyText } from './config-messages.ts';

export interface DubboRulesOptions extends Omit<ConfigFollowOptions, 'received' | 'ready' | 'lost' | 'problem'> {
  /** Called when rules have changed. */
  readonly changed: () => void;
  /** Reports what is wrong with a configuration, or null if nothing is. */
  readonly report: (origin: string, message: string | null) => void;
}

/** Rules of Dubbo in the configuration of one namespace. */
export interface DubboRules {
  readonly governance: Governance;
  /** Follows the rules that may concern the providers of a service; none of them if it has no providers. */
  follow(service: string, providers: readonly Provider[]): void;
  /** Resolves once the rules that are followed were read, or cannot be. Reading begins when this is called first. */
  compared(): Promise<void>;
  run(signal: AbortSignal): Promise<void>;
}

/** Group in which Dubbo keeps its rules. */
const group = 'dubbo';
/** Names that Nacos allows. */
const dataIdPattern = /^[\w.:-]{1,256}$/;

export function createDubboRules(options: DubboRulesOptions): DubboRules {
  const { namespace, changed, report } = options;
  const governance = createGovernance({ report });
  /** Names by service, and the number of services for each name. */
  const namesOf = new Map<string, readonly string[]>();
  const users = new Map<string, number>();
  const begun = Promise.withResolvers<void>();
  const compared = Promise.withResolvers<void>();
  let isAwaited = false;
  let isScheduled = false;

  const originOf = (key: ConfigKey): string => `${namespace}@@${configKeyText(key)}`;
  const follower = createConfigFollower({
    ...options,
    received(key, content) {
      const name = parseRuleName(key.dataId);
      if (name === null) return;
      if (content === null) governance.remove(originOf(key));
      else governance.set(originOf(key), readRuleText(name, content, parseOldYaml));
      scheduleChange();
    },
    ready() {
      report(`${namespace}@@${group}`, null);
      if (isScheduled) changed();
      compared.resolve();
    },
    lost(reason) {
      report(`${namespace}@@${group}`, `rules of Dubbo cannot be read: ${reason}`);
      compared.resolve();
    },
    problem: (key, message) => report(`${originOf(key)} (access)`, message),
  });

  /** Tells changes of one turn together. */
  function scheduleChange(): void {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      changed();
    });
  }

  function begin(): void {
    if (isAwaited && users.size > 0) begun.resolve();
  }

  return {
    governance,
    follow(service, providers) {
      const names = namesFor(providers);
      for (const name of names) {
        if (!users.has(name)) follower.add({ group, dataId: name });
        users.set(name, (users.get(name) ?? 0) + 1);
      }
      for (const name of namesOf.get(service) ?? []) {
        const left = (users.get(name) ?? 0) - 1;
        if (left > 0) users.set(name, left);
        else {
          users.delete(name);
          follower.remove({ group, dataId: name });
          governance.remove(originOf({ group, dataId: name }));
        }
      }
      if (names.length === 0) namesOf.delete(service);
      else namesOf.set(service, names);
      begin();
    },
    compared() {
      isAwaited = true;
      begin();
      return users.size === 0 ? Promise.resolve() : compared.promise;
    },
    async run(signal) {
      signal.addEventListener('abort', () => begun.resolve());
      await begun.promise;
      if (!signal.aborted) await follower.run(signal);
    },
  };
}

const namesFor = (providers: readonly Provider[]): readonly string[] => {
  const names = providers.flatMap((provider) => [
    ...namesOfService(provider.identity),
    ...(providerApplication(provider) === '' ? [] : namesOfApplication(providerApplication(provider))),
  ]);
  return [...new Set(names)].filter((name) => dataIdPattern.test(name));
};
