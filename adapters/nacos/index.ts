import {
  type Adapter,
  type AdapterContext,
  defineAdapter,
  type ShardSink,
} from '../../src/adapter-contract/adapter.ts';
import { createAddresses } from '../../src/dns/addresses.ts';
import type { Result } from '../../src/lib/result.ts';
import { createBook } from './book.ts';
import { config, dubboNaming, type NacosConfig, nacosHostnames } from './config.ts';
import { createDubboRules } from './dubbo-rules.ts';
import { followNamespace, httpGet } from './follow.ts';
import { createLogin, keepLoggedIn, noLogin } from './login.ts';
import { defaultGroup, type NacosService, nameKey, parseNameKey } from './names.ts';
import { createNacosPublisher } from './publisher.ts';
import { createRuleTexts } from './rule-texts.ts';
import { followRules, type RuleSource } from './rules.ts';
import { createRotation, parseServer } from './servers.ts';
import { httpTlsOf, securityOf } from './tls-files.ts';
import { createView } from './view.ts';
import { createOwnInstances, type OwnInstances } from './writer/own-instances.ts';
import { createNacosWriter } from './writer/writer.ts';
import { createWritingConnection } from './writer/writing-connection.ts';

export type { NacosConfig };

/** Services of a Nacos cluster, 2.x or 3.x. */
export const nacos = defineAdapter<NacosConfig>({
  kind: 'nacos',
  config,
  create(settings, context): Adapter {
    if (!settings.acceptsRegistrations)
      return { run: (sink, signal) => run({ settings, context, sink, own: null }, signal) };
    const own = createOwnInstances({ clock: context.clock, holdMs: settings.settleSeconds * 1_000 });
    const writing = createWriting({ settings, context, own });
    return {
      registryWriter: writing.writer,
      async run(sink, signal) {
        await Promise.all([run({ settings, context, sink, own }, signal), writing.run(signal)]);
        own.close();
      },
    };
  },
});

interface Running {
  readonly settings: NacosConfig;
  readonly context: AdapterContext;
  readonly sink: ShardSink;
  /** Instances that this program has registered; null if it registers none. */
  readonly own: OwnInstances | null;
}

async function run(
  { settings, context: { clock, log, domainSuffix }, sink, own }: Running,
  signal: AbortSignal,
): Promise<void> {
  const servers = settings.servers.map((text) => checked(parseServer(text, settings.grpcPortOffset)));
  const login = loginOf(settings, clock);
  const dubboRulesOf = (namespace: string) =>
    createDubboRules({
      namespace,
      rotation: createRotation(servers),
      security: () => securityOf(settings),
      login,
      clock,
      log,
      reconcileSeconds: settings.reconcileSeconds,
      changed: () => publisher.apply(view.rulesChanged(namespace)),
      report: (origin, message) => publisher.report(origin, message === null ? [] : [message]),
    });
  const dubboRules = new Map(settings.namespaces.map((namespace) => [namespace, dubboRulesOf(namespace)]));
  const addresses = createAddresses({ clock, changed: (_, keys) => publisher.translateAgain(keys) });
  const view = createView({
    rulesOf: (namespace) => dubboRules.get(namespace) ?? null,
    hostnames: checked(nacosHostnames(settings)),
    names: settings.names,
    dubbo: dubboNaming(settings),
    meshNamespaceOf: meshNamespaces(settings),
    addresses,
    keys: settings.metadataKeys,
    ports: settings.ports,
    defaultProtocol: settings.defaultProtocol,
    clusters: settings.clusters === undefined ? null : new Set(settings.clusters),
  });
  const publisher = createNacosPublisher({
    view,
    sink,
    log,
    awaited: [...settings.namespaces, ...settings.rules.map(rulesPart)],
    isPending: addresses.isPending,
  });
  const [first] = servers;
  const watchingLogin =
    login === noLogin || first === undefined
      ? Promise.resolve()
      : keepLoggedIn(login, { server: () => first, clock, failed: loginFailed }, signal);

  function loginFailed(reason: string | null): void {
    if (reason === null) publisher.recovered('login');
    else publisher.lost('login', reason);
  }

  const follow = (namespace: string) => {
    const book = createBook({
      namespace,
      keepEmptyMs: settings.emptyServiceSeconds * 1_000,
      protectThreshold: settings.protectThreshold,
    });
    const services = settings.services?.map((text) => chosenService(text, namespace)) ?? null;
    const groups = settings.groups ?? null;
    own?.follow(namespace, (name, instances) => {
      const isChosen = services?.some((one) => nameKey(one) === nameKey(name)) ?? groups?.includes(name.group) ?? true;
      if (!isChosen) return;
      book.registered(name, instances);
      publisher.update(book.takeChanges());
    });
    const following = followNamespace(
      {
        ...settings,
        namespace,
        book,
        services,
        groups,
        rotation: createRotation(servers),
        security: () => securityOf(settings),
        httpTls: () => httpTlsOf(settings),
        login,
        clock,
        log,
        changed: () => publisher.update(book.takeChanges()),
        ready() {
          const settled = () => publisher.settled(namespace);
          void (dubboRules.get(namespace)?.compared() ?? Promise.resolve()).then(settled);
          publisher.recovered(namespace);
        },
        lost(reason, isDenied) {
          publisher.lost(namespace, `namespace ${namespace}: ${reason}`);
          if (isDenied && settings.namespaces.length > 1) publisher.settled(namespace);
        },
        problem: publisher.problem,
      },
      signal,
    );
    return following;
  };
  const followRulesOf = (namespace: string, sources: readonly RuleSource[]) => {
    const [part, rotation] = [rulesPart({ namespace }), createRotation(servers)];
    return followRules(
      {
        ...settings,
        namespace,
        sources,
        texts: createRuleTexts(domainSuffix),
        get: httpGet({ ...settings, rotation, login, httpTls: () => httpTlsOf(settings) }, signal),
        rotation,
        security: () => securityOf(settings),
        login,
        clock,
        log,
        changed: publisher.apply,
        report: publisher.report,
        ready() {
          publisher.settled(part);
          publisher.recovered(part);
        },
        lost(reason, isDenied) {
          publisher.lost(part, `${part}: ${reason}`);
          if (isDenied) publisher.settled(part);
        },
      },
      signal,
    );
  };
  const ruleSources = [...Map.groupBy(settings.rules, ({ namespace }) => namespace)];
  await Promise.all([
    ...settings.namespaces.map(follow),
    ...ruleSources.map(([namespace, sources]) => followRulesOf(namespace, sources)),
    ...[...dubboRules.values()].map((one) => one.run(signal)),
    addresses.run(signal),
    watchingLogin,
  ]);
}

interface Writing {
  readonly settings: NacosConfig;
  readonly context: AdapterContext;
  readonly own: OwnInstances;
}

/** Creates what registers instances, with a connection and a login of its own. */
function createWriting({ settings, context: { clock, log }, own }: Writing) {
  const listeners = new Set<(service: null) => void>();
  const [namespace = 'public'] = settings.namespaces;
  const connection = createWritingConnection({
    rotation: createRotation(settings.servers.map((text) => checked(parseServer(text, settings.grpcPortOffset)))),
    security: () => securityOf(settings),
    login: loginOf(settings, clock),
    namespace,
    clock,
    log,
    lost() {
      own.lost();
      for (const listener of listeners) listener(null);
    },
  });
  const writer = createNacosWriter({
    hostnames: checked(nacosHostnames(settings)),
    names: settings.names,
    dubbo: dubboNaming(settings),
    namespaces: settings.namespaces,
    meshNamespaceOf: meshNamespaces(settings),
    group: settings.groups?.length === 1 ? (settings.groups[0] ?? null) : null,
    keys: settings.metadataKeys,
    cluster: settings.clusters?.[0] ?? 'DEFAULT',
    request: connection.request,
    accepted: own.accepted,
    onLost(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  });
  return { writer, run: connection.run };
}

const meshNamespaces =
  ({ meshNamespaces: given }: NacosConfig) =>
  (namespace: string): string =>
    given[namespace] ?? namespace;
/** Name of the rules of a namespace, as a part that is awaited and may be lost. */
const rulesPart = ({ namespace }: Pick<RuleSource, 'namespace'>): string => `rules of namespace ${namespace}`;

function loginOf(settings: NacosConfig, clock: AdapterContext['clock']) {
  const { username, passwordFile, contextPath } = settings;
  if (username === undefined || passwordFile === undefined) return noLogin;
  return createLogin({ username, passwordFile, contextPath, clock, tls: () => httpTlsOf(settings) });
}

function chosenService(text: string, namespace: string): NacosService {
  const name = text.includes('@@') ? text : `${defaultGroup}@@${text}`;
  return parseNameKey(`${namespace}@@${name}`) ?? { namespace, group: defaultGroup, name: text };
}

/** Returns the value of what the schema has checked. */
function checked<Value>(result: Result<Value, string>): Value {
  if (!result.ok) throw new Error(result.error);
  return result.value;
}
