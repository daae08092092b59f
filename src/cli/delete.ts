import type { Command, CommandContext } from './command.ts';
import { usageError } from './failure.ts';
import { type FlagValues, flagText, parseArguments } from './flags.ts';
import { isMap, ServerError, text } from './rules/answer.ts';
import { displayItem, sendBatch } from './rules/batch.ts';
import type { ApiClient } from './rules/client.ts';
import { readDocuments, type SourceDocument } from './rules/documents.ts';
import { readSources } from './rules/files.ts';
import { helpText } from './rules/help.ts';
import { discoverKinds, type ServedKind, urlOf } from './rules/kinds.ts';
import { kindOf, withNamespaces } from './rules/namespaces.ts';
import { openSession } from './rules/session.ts';
import {
  atomicOf,
  dryRunFlag,
  filenameFlag,
  namespaceFlag,
  oneByOneFlag,
  recursiveFlag,
  selectorFlag,
  serverFlags,
} from './rules/shared-flags.ts';
import { readTargets } from './rules/targets.ts';

const flags = [
  filenameFlag,
  recursiveFlag,
  namespaceFlag,
  selectorFlag,
  { name: 'all', value: null, about: 'all objects of the kind in the namespace' },
  { name: 'ignore-not-found', value: null, about: 'what is not there is no failure' },
  { name: 'yes', short: 'y', value: null, about: 'do not ask before --all' },
  dryRunFlag,
  oneByOneFlag,
  ...serverFlags,
];

export const deleteCommand: Command = {
  name: 'delete',
  summary: 'delete rules',
  flags,
  words: ['kinds-and-names'],
  help: helpText({
    usage: ['delete KIND NAME … [flags]', 'delete KIND --all|-l LABELS [flags]', 'delete -f FILE [flags]'],
    about: 'Deletes objects as one transaction: when one of them is not there, nothing is deleted.',
    flags,
    examples: ['delete vs reviews ratings', 'delete -f rules.yaml', 'delete vs --all --yes -n test'],
  }),
  async run(argv, context) {
    const { values, words } = parseArguments(argv, flags);
    checkCall(values, words);
    const { client, settings } = await openSession(values, context);
    const call: Call = {
      values,
      words,
      client,
      context,
      namespace: settings.namespace,
      kinds: await discoverKinds(client),
    };
    const named = values.filename === undefined ? await wordDocuments(call) : await fileDocuments(call);
    const documents = values['ignore-not-found'] === undefined ? named : await present(named, call);
    if (documents.length === 0) {
      context.printError('there is nothing to delete');
      return;
    }
    if (values.all !== undefined) await confirm(documents, call);
    const dryRun = values['dry-run'] !== undefined;
    const query = { action: 'delete', dryRun: dryRun ? 'All' : null, atomic: atomicOf(values) };
    const items = await sendBatch(client, { path: '/rules/v1/batch', query, documents });
    const end = dryRun ? ' (dry run)' : '';
    context.print(items.map((item) => `${displayItem(item, call.kinds)} deleted${end}\n`).join(''));
  },
};

interface Call {
  readonly values: FlagValues;
  readonly words: readonly string[];
  readonly client: ApiClient;
  readonly context: CommandContext;
  readonly namespace: string;
  readonly kinds: readonly ServedKind[];
}

function checkCall(values: FlagValues, words: readonly string[]): void {
  const many = ['all', 'selector'].filter((name) => values[name] !== undefined).map((name) => `--${name}`);
  if (values.filename !== undefined) {
    if (words.length > 0 || many.length > 0) throw usageError(`-f goes without ${words[0] ?? many[0]}`);
    return;
  }
  if (many.length > 1) throw usageError(`${many.join(' and ')} exclude each other`);
  const named = words.length > 1 || words.some((word) => word.includes('/'));
  if (named && many.length > 0) throw usageError(`${many[0]} goes with a kind, not with names`);
  if (!named && many.length === 0)
    throw usageError('name what to delete: KIND NAME, KIND --all, KIND -l LABELS or -f FILE');
}

async function fileDocuments({ values, kinds, namespace, context }: Call): Promise<readonly SourceDocument[]> {
  const names = values.filename ?? [];
  const files = await readSources({ names, recursive: values.recursive !== undefined, input: context.input });
  const { documents } = readDocuments(files);
  return withNamespaces(documents, { kinds, namespace, isAsked: values.namespace !== undefined });
}

async function wordDocuments(call: Call): Promise<readonly SourceDocument[]> {
  const documents: SourceDocument[] = [];
  for (const { kind, names } of readTargets(call.words, call.kinds)) {
    const found = names ?? (await listNames(kind, call));
    documents.push(...found.map((name) => namedDocument(kind, name, call.namespace)));
  }
  return documents;
}

async function listNames(kind: ServedKind, { client, namespace, values }: Call): Promise<readonly string[]> {
  const path = urlOf(kind, { namespace, name: null });
  const list = await client.send({ path, query: { labelSelector: flagText(values, 'selector') } });
  const items = isMap(list) && Array.isArray(list.items) ? list.items.filter(isMap) : [];
  // Objects of files cannot be deleted here, so "all" excludes them.
  return items.flatMap(({ metadata }) => (isMap(metadata) && !isAdapterObject(metadata) ? [text(metadata.name)] : []));
}

const isAdapterObject = ({ annotations }: Record<string, unknown>): boolean =>
  isMap(annotations) && annotations['binnacle.io/defined-in'] !== undefined;

function namedDocument(kind: ServedKind, name: string, namespace: string): SourceDocument {
  const apiVersion = [kind.group, kind.versions[0]].filter(Boolean).join('/');
  const metadata = kind.namespaced ? { namespace, name } : { name };
  return { object: { apiVersion, kind: kind.kind, metadata }, where: 'asked for', lineOf: () => null };
}

/** Keeps the documents whose objects exist. */
async function present(
  documents: readonly SourceDocument[],
  { client, kinds }: Call,
): Promise<readonly SourceDocument[]> {
  const found: SourceDocument[] = [];
  for (const document of documents) {
    const kind = kindOf(document, kinds);
    const metadata = isMap(document.object.metadata) ? document.object.metadata : {};
    const place = { namespace: text(metadata.namespace), name: text(metadata.name) };
    if (kind === null || (await isThere(client, urlOf(kind, place)))) found.push(document); // the server rejects others
  }
  return found;
}

async function isThere(client: ApiClient, path: string): Promise<boolean> {
  try {
    await client.send({ path });
    return true;
  } catch (error) {
    if (error instanceof ServerError && error.status === 404) return false;
    throw error;
  }
}

async function confirm(
  documents: readonly SourceDocument[],
  { values, context, words, namespace }: Call,
): Promise<void> {
  if (values.yes !== undefined || values['dry-run'] !== undefined) return;
  const what = `all of ${words.join(' ')} in the namespace ${namespace} (${documents.length})`;
  if (!context.terminal.input) throw usageError(`delete ${what}? Say so with --yes, as there is no terminal to ask at`);
  context.printError(`Delete ${what}? [y/N]`);
  const answer = await readLine(context.input);
  if (!/^y(es)?$/i.test(answer.trim())) throw usageError('nothing was deleted');
}

/** Reads one line and releases the input: an open terminal would keep the program running. */
async function readLine(input: CommandContext['input']): Promise<string> {
  let text = '';
  for await (const chunk of input) {
    text += Buffer.from(chunk).toString('utf8');
    if (text.includes('\n')) break;
  }
  return text.split('\n', 1)[0] ?? '';
}
