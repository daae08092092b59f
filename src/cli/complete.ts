import type { Command, CommandContext, LazyCommand, WordHint } from './command.ts';
import { type Flag, parseArguments } from './flags.ts';
import { isMap, text } from './rules/answer.ts';
import { createClient } from './rules/client.ts';
import { readContexts } from './rules/contexts.ts';
import { discoverKinds, findKinds, type ServedKind, urlOf } from './rules/kinds.ts';
import { readSettings } from './rules/settings.ts';

/** Marker that makes the shell complete file names. */
const files = ':files';

/**
 * Completes a command line: `binnacle __complete -- WORD …` prints one candidate per line for the last word, which may
 * be empty. It reports no errors and waits at most a second for a server, because a person is typing.
 */
export const completeCommand = (commands: readonly LazyCommand[]): Command => ({
  name: '__complete',
  summary: 'say what a word may become',
  help: 'usage: binnacle __complete -- WORD …\n',
  async run(argv, context) {
    const words = argv[0] === '--' ? argv.slice(1) : argv;
    const candidates = await candidatesOf(words, { commands, context }).catch(() => []); // an invalid line has none
    context.print(candidates.map((candidate) => `${candidate}\n`).join(''));
  },
});

interface CompletionContext {
  readonly commands: readonly LazyCommand[];
  readonly context: CommandContext;
}

async function candidatesOf(
  given: readonly string[],
  { commands, context }: CompletionContext,
): Promise<readonly string[]> {
  const words = joinAtEquals(given);
  const current = words.at(-1) ?? '';
  const isSplit = current !== given.at(-1); // the shell then replaces only the text after "="
  const shown = commands.filter(({ hidden }) => hidden !== true).map(({ name }) => name);
  if (words.length <= 1) return startingWith(current, [...shown, 'help']);
  const [name, ...before] = words.slice(0, -1);
  if (name === 'help') return before.length === 0 ? startingWith(current, shown) : [];
  const command = await commands.find((one) => one.name === name)?.load();
  const { flags, words: hints = [] } = command ?? {};
  if (flags === undefined) return [];

  const inline = /^(--[^=]+)=(.*)$/s.exec(current);
  const line: Line = { before, flags, context };
  if (inline !== null) {
    const flag = flags.find((one) => `--${one.name}` === inline[1]);
    const values = flag === undefined ? [] : await valuesOf(flag, { ...line, current: inline[2] ?? '' });
    return isSplit ? values : values.map((value) => (value === files ? value : `${inline[1]}=${value}`));
  }
  const open = openFlag(before, flags);
  if (open !== null) return valuesOf(open, { ...line, current });
  if (current.startsWith('-'))
    return startingWith(
      current,
      flags.map((flag) => `--${flag.name}`),
    );
  const { words: earlier } = parseArguments(before, flags);
  return wordsFor(hints[earlier.length] ?? hints.at(-1), { ...line, current }, earlier);
}

interface Line {
  readonly before: readonly string[];
  readonly flags: readonly Flag[];
  readonly context: CommandContext;
}

interface Place extends Line {
  readonly current: string;
}

/** Returns the flag that still lacks its value after the last complete word. */
function openFlag(before: readonly string[], flags: readonly Flag[]): Flag | null {
  const last = before.at(-1) ?? '';
  const flag = flags.find(({ name, short }) => last === `--${name}` || last === `-${short}`);
  return flag === undefined || flag.value === null ? null : flag;
}

async function valuesOf({ complete }: Flag, place: Place): Promise<readonly string[]> {
  switch (complete) {
    case undefined:
      return [files];
    case 'contexts':
      return startingWith(place.current, await contextNames(place));
    case 'namespaces':
      return startingWith(place.current, await namespaceNames(place));
    default:
      return startingWith(place.current, complete);
  }
}

async function wordsFor(
  hint: WordHint | undefined,
  place: Place,
  given: readonly string[],
): Promise<readonly string[]> {
  switch (hint) {
    case undefined:
      return [];
    case 'contexts':
      return startingWith(place.current, await contextNames(place));
    case 'kinds-and-names':
      return kindsOrNames(place, given);
    default:
      return given.length === 0 ? startingWith(place.current, hint) : [];
  }
}

/** Completes a kind first, then names of its objects. `kind/name` is possible in both positions. */
async function kindsOrNames(place: Place, given: readonly string[]): Promise<readonly string[]> {
  const { current } = place;
  const { kinds, names } = await serverOf(place);
  const slash = current.indexOf('/');
  if (slash !== -1) {
    const word = current.slice(0, slash);
    const [kind] = findKinds(word, kinds);
    const found = kind === undefined ? [] : await names(kind);
    return startingWith(
      current,
      found.map((name) => `${word}/${name}`),
    );
  }
  const [first] = given;
  if (first === undefined) {
    const comma = current.lastIndexOf(',') + 1;
    const plurals = kinds.map(({ plural }) => `${current.slice(0, comma)}${plural}`);
    return startingWith(current, comma === 0 ? [...plurals, 'all'] : plurals);
  }
  const [kind, ...others] = first.includes('/') ? [] : findKinds(first, kinds);
  if (kind === undefined || others.length > 0) return [];
  return startingWith(
    current,
    (await names(kind)).filter((name) => !given.includes(name)),
  );
}

async function contextNames({ context }: Line): Promise<readonly string[]> {
  return (await readContexts(context.env)).contexts.map(({ name }) => name);
}

async function namespaceNames(place: Place): Promise<readonly string[]> {
  const { kinds, names } = await serverOf(place);
  const [namespaces] = findKinds('namespaces', kinds);
  return namespaces === undefined ? [] : names(namespaces);
}

/** Connects to the server that the line selects and reads its kinds. */
async function serverOf({ before, flags, context }: Place) {
  const { values } = parseArguments(completeWords(before, flags), flags);
  const settings = await readSettings(values, context.env);
  const client = createClient({ ...settings, timeoutMs: 1_000, warn: () => {} });
  return {
    kinds: await discoverKinds(client),
    async names(kind: ServedKind): Promise<readonly string[]> {
      const list = await client.send({ path: urlOf(kind, { namespace: settings.namespace, name: null }) });
      const items = isMap(list) && Array.isArray(list.items) ? list.items.filter(isMap) : [];
      return items.map(({ metadata }) => (isMap(metadata) ? text(metadata.name) : ''));
    },
  };
}

/** Drops a flag at the end that lacks its value. */
const completeWords = (before: readonly string[], flags: readonly Flag[]): readonly string[] =>
  openFlag(before, flags) === null ? before : before.slice(0, -1);

const startingWith = (start: string, candidates: readonly string[]): readonly string[] =>
  candidates.filter((candidate) => candidate.startsWith(start));

/** Joins words that Bash splits: `--output=ya` arrives as three words, `--output=` as two. */
function joinAtEquals(words: readonly string[]): readonly string[] {
  const joined: string[] = [];
  for (const [index, word] of words.entries()) {
    const before = joined.at(-1) ?? '';
    const followsEquals = words[index - 1] === '=' && /^--[^=]+=$/.test(before);
    if ((word === '=' && /^--[^=]+$/.test(before)) || followsEquals) joined[joined.length - 1] = `${before}${word}`;
    else joined.push(word);
  }
  return joined;
}
