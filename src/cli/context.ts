import { resolve } from 'node:path';
import type { Command, CommandContext } from './command.ts';
import { usageError } from './failure.ts';
import { type FlagValues, flagText, parseArguments } from './flags.ts';
import { type Context, findContext, readContexts } from './rules/contexts.ts';
import { type ContextCredentials, credentialFlags, credentialKeys, flagOf } from './rules/credentials.ts';
import { helpText } from './rules/help.ts';
import { plainText, tableText } from './rules/output.ts';
import { checkAuthor, readSettings, serverUrl } from './rules/settings.ts';
import { namespaceFlag, serverFlags } from './rules/shared-flags.ts';
import { writeContexts } from './rules/write-contexts.ts';

const flags = [
  { name: 'server', value: 'URL', about: 'with set: the server' },
  {
    ...namespaceFlag,
    about: 'with set: the namespace of commands that are told none; "" for default',
    mayBeEmpty: true,
  },
  {
    name: 'author',
    value: 'AUTHOR',
    about: 'with set: whom the server writes down for changes; "" for user@host',
    mayBeEmpty: true,
  },
  ...credentialFlags.map((flag) => ({ ...flag, about: `with set: ${flag.about}; "" for none`, mayBeEmpty: true })),
  ...serverFlags.filter(({ name }) => name === 'context' || name === 'help'),
];

const actions: Readonly<Record<string, (call: Call) => Promise<void>>> = {
  list: listContexts,
  use: useContext,
  set: setContext,
  delete: deleteContext,
  show: showSettings,
};

export const contextCommand: Command = {
  name: 'context',
  summary: 'choose among servers',
  flags,
  words: [Object.keys(actions), 'contexts'],
  help: helpText({
    usage: [
      'context list',
      'context use NAME',
      'context set NAME --server URL [--namespace NAMESPACE] [--author AUTHOR] [--token-file FILE] [--ca-file FILE] …',
      'context delete NAME',
      'context show',
    ],
    about: `Keeps servers under names in a file: $BINNACLE_CONTEXTS, else binnacle/contexts.yaml in $XDG_CONFIG_HOME or
~/.config. "show" says which server, namespace and author the other commands use now, and why.`,
    flags,
    examples: [
      'context set test --server http://127.0.0.1:8080 --namespace shop',
      'context use test',
      'get vs --context test',
    ],
  }),
  async run(argv, context) {
    const { values, words } = parseArguments(argv, flags);
    const [action = 'list', ...names] = words;
    const run = actions[action];
    if (run === undefined) throw usageError(`context can ${Object.keys(actions).join(', ')}, not "${action}"`);
    await run({ values, names, context });
  },
};

interface Call {
  readonly values: FlagValues;
  readonly names: readonly string[];
  readonly context: CommandContext;
}

async function listContexts({ names, context }: Call): Promise<void> {
  noNames(names);
  const { contexts, current, path } = await readContexts(context.env);
  if (contexts.length === 0)
    context.printError(`there are no contexts in ${path}: make one with "binnacle context set"`);
  else context.print(tableText([head, ...contexts.map((one) => rowOf(one, current))]));
}

async function useContext({ names, context }: Call): Promise<void> {
  const contexts = await readContexts(context.env);
  const { name, server } = findContext(contexts, oneName(names));
  await writeContexts(contexts, { type: 'use', name });
  context.print(`${name} is the current context: ${server}\n`);
}

async function setContext({ values, names, context }: Call): Promise<void> {
  const name = oneName(names);
  if (!/^[\w.@:/-]{1,100}$/.test(name))
    throw usageError(`a context's name is letters, digits and . _ - @ : /, not "${name}"`);
  const contexts = await readContexts(context.env);
  const isNew = !contexts.contexts.some((one) => one.name === name);
  const server = flagText(values, 'server');
  if (isNew && server === null) throw usageError(`the new context "${name}" needs --server URL`);
  const namespace = given(values, 'namespace');
  const author = given(values, 'author');
  if (author) checkAuthor(author, '--author');
  await writeContexts(contexts, {
    type: 'set',
    name,
    facts: {
      ...(server === null ? {} : { server: serverUrl(server, '--server') }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(author === undefined ? {} : { author }),
      ...givenCredentials(values),
    },
  });
  context.print(`context ${name} ${isNew ? 'made' : 'changed'}${contexts.current === null ? ', and current' : ''}\n`);
}

async function deleteContext({ names, context }: Call): Promise<void> {
  const contexts = await readContexts(context.env);
  const { name } = findContext(contexts, oneName(names));
  await writeContexts(contexts, { type: 'delete', name });
  context.print(`context ${name} deleted${contexts.current === name ? ': there is no current one now' : ''}\n`);
}

async function showSettings({ values, names, context }: Call): Promise<void> {
  noNames(names);
  const { server, from, namespace, author, credentials } = await readSettings(values, context.env);
  const { token, tls } = credentials;
  const proofs = [...(token === null ? [] : ['a token']), ...(tls.cert === null ? [] : ['a certificate'])];
  const rows = [
    ['server', `${server} (${from})`],
    ['namespace', namespace],
    ['author', plainText(author)],
    ...(proofs.length === 0 ? [] : [['sends', proofs.join(', ')]]),
  ];
  context.print(tableText(rows));
}

const head = ['CURRENT', 'NAME', 'SERVER', 'NAMESPACE', 'AUTHOR'];

const rowOf = ({ name, server, namespace, author }: Context, current: string | null): readonly string[] =>
  [name === current ? '*' : '', name, server, namespace ?? '', author ?? ''].map(plainText);

/** Reads credential flags. Paths become absolute, because commands run in any directory. */
function givenCredentials(values: FlagValues): Partial<ContextCredentials> {
  const all = credentialKeys.map((key) => [key, given(values, flagOf(key))] as const);
  const kept = all.filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept.map(([key, value]) => [key, value && key !== 'token' ? resolve(value) : value]));
}

/** Returns a changed value: null (an empty text) removes it, undefined keeps it. */
function given(values: FlagValues, name: string): string | null | undefined {
  const value = flagText(values, name);
  return value === null ? undefined : value || null;
}

function oneName(names: readonly string[]): string {
  const [name, ...others] = names;
  if (name !== undefined && others.length === 0) return name;
  throw usageError('name one context; "binnacle context list" shows them');
}

function noNames([name]: readonly string[]): void {
  if (name !== undefined) throw usageError(`unexpected argument "${name}"`);
}
