import type { ShardChange } from '../../src/adapter-contract/adapter.ts';
import { sleep } from '../../src/lib/sleep.ts';
import { type ConfigFollower, createConfigFollower } from './config-follow.ts';
import { configsOfGroup, isPattern, matcher } from './config-listing.ts';
import { type ConfigKey, configKeyText } from './config-messages.ts';
import type { KeptConnectionOptions } from './keep-connection.ts';
import type { HttpGet } from './listing.ts';
import { createQueue } from './queue.ts';
import type { RuleTexts } from './rule-texts.ts';

/** Configurations with rules. */
export interface RuleSource {
  readonly namespace: string;
  readonly group: string;
  /** Names, or patterns with asterisks. */
  readonly dataIds: readonly string[];
}

export interface FollowedRules extends Omit<KeptConnectionOptions, 'module'> {
  /** Sources in this namespace. */
  readonly sources: readonly RuleSource[];
  readonly texts: RuleTexts;
  readonly get: HttpGet;
  readonly listSeconds: number;
  readonly reconcileSeconds: number;
  readonly changed: (changes: readonly ShardChange[]) => void;
  /** Reports what is wrong with an entry; nothing if it is valid now. */
  readonly report: (origin: string, messages: readonly string[]) => void;
  readonly ready: () => void;
}

/** Follows the configurations with rules of one namespace until `signal` aborts. */
export async function followRules(options: FollowedRules, signal: AbortSignal): Promise<void> {
  const { namespace, sources, texts, report } = options;
  const contents = new Map<string, string | null>();
  let reported = new Set<string>();
  const applying = createQueue<string>({ concurrency: 1, keyOf: (name) => name, run: apply });
  const nameOf = ({ group, dataId }: ConfigKey): string => `${namespace}/${group}/${dataId}`;

  async function apply(name: string): Promise<void> {
    const { changes, mistakes } = await texts.put(name, contents.get(name) ?? null);
    if (signal.aborted) return;
    if (changes.length > 0) options.changed(changes);
    const byOrigin = Map.groupBy(mistakes, ({ origin }) => origin);
    for (const origin of reported) if (!byOrigin.has(origin)) report(origin, []);
    for (const [origin, all] of byOrigin) report(origin, [...new Set(all.map(({ message }) => message))]);
    reported = new Set(byOrigin.keys());
  }

  function received(key: ConfigKey, content: string | null): void {
    contents.set(nameOf(key), content);
    applying.add(nameOf(key));
  }

  const follower = createConfigFollower({
    ...options,
    received,
    ready: () => void applying.idle().then(options.ready),
    problem: (key, message) => report(`${nameOf(key)} (access)`, message === null ? [] : [message]),
  });
  for (const key of namedConfigs(sources)) follower.add(key);
  const listing = createPatternListing(options, { follower, gone: (key) => received(key, null) });
  await listUntilAnswered(listing, options, signal);
  await Promise.all([follower.run(signal), listAgain(listing, options, signal)]);
}

const namedConfigs = (sources: readonly RuleSource[]): readonly ConfigKey[] =>
  sources.flatMap(({ group, dataIds }) =>
    dataIds.filter((one) => !isPattern(one)).map((dataId) => ({ group, dataId })),
  );

/** Finds the configurations of patterns once. Rejects if the server cannot be reached. */
type PatternListing = () => Promise<void>;

function createPatternListing(
  { namespace, sources, get, report }: FollowedRules,
  { follower, gone }: { readonly follower: ConfigFollower; readonly gone: (key: ConfigKey) => void },
): PatternListing {
  const groups = [...Map.groupBy(sources, ({ group }) => group)]
    .map(([group, all]) => ({ group, patterns: all.flatMap(({ dataIds }) => dataIds.filter(isPattern)) }))
    .filter(({ patterns }) => patterns.length > 0);
  const named = new Set(namedConfigs(sources).map(configKeyText));
  const followed = new Map<string, ConfigKey>();

  async function listGroup(group: string, patterns: readonly string[]): Promise<void> {
    const all = await configsOfGroup(get, { namespace, group });
    const problem = 'the server does not list its configurations to this user: patterns are of no use';
    report(`${namespace}/${group}`, all === null ? [problem] : []);
    if (all === null) return;
    const tests = patterns.map(matcher);
    const present = new Map(
      all
        .filter(({ dataId }) => tests.some((matches) => matches(dataId)))
        .map((key) => [configKeyText(key), key] as const),
    );
    for (const [text, key] of followed) {
      if (key.group !== group || present.has(text)) continue;
      followed.delete(text);
      follower.remove(key);
      gone(key);
    }
    for (const [text, key] of present) {
      if (followed.has(text) || named.has(text)) continue;
      followed.set(text, key);
      follower.add(key);
    }
  }

  return async () => {
    for (const { group, patterns } of groups) await listGroup(group, patterns);
  };
}

/** Lists until the server answered once, so that the first listing of the shard has the rules of patterns. */
async function listUntilAnswered(
  listing: PatternListing,
  { clock, rotation, login, lost }: FollowedRules,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await login.ensure(rotation.current(), signal);
      await listing();
      return;
    } catch (cause) {
      if (signal.aborted) return;
      lost(`configurations cannot be listed: ${cause instanceof Error ? cause.message : String(cause)}`, false);
      rotation.failed();
    }
    await sleep(clock, retryMs, signal);
  }
}

const retryMs = 1_000;

async function listAgain(
  listing: PatternListing,
  { clock, listSeconds, log }: FollowedRules,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await sleep(clock, listSeconds * 1_000, signal);
    if (!signal.aborted) await listing().catch((err: unknown) => log.debug({ err }, 'configurations not listed'));
  }
}
