import type { Command, CommandContext } from './command.ts';
import { DetailedError, usageError } from './failure.ts';
import { choiceOf, flagText, parseArguments } from './flags.ts';
import { isMap, ServerError, text } from './rules/answer.ts';
import type { ApiClient } from './rules/client.ts';
import { helpText } from './rules/help.ts';
import { discoverKinds, displayName, urlOf } from './rules/kinds.ts';
import { documentText, tableText } from './rules/output.ts';
import { openSession } from './rules/session.ts';
import { namespaceFlag, outputFlag, selectorFlag, serverFlags } from './rules/shared-flags.ts';
import { readTable, tableAccept, tableRows } from './rules/table.ts';
import { type ObjectTarget, readTargets } from './rules/targets.ts';
import { watchTarget } from './rules/watch.ts';

const formats = ['table', 'wide', 'yaml', 'json', 'name'] as const;

const flags = [
  namespaceFlag,
  { name: 'all-namespaces', short: 'A', value: null, about: 'of all namespaces' },
  selectorFlag,
  outputFlag(formats),
  { name: 'watch', short: 'w', value: null, about: 'go on with a line for every change, until Ctrl-C' },
  ...serverFlags,
];

export const getCommand: Command = {
  name: 'get',
  summary: 'show rules',
  flags,
  words: ['kinds-and-names'],
  help: helpText({
    usage: ['get KIND [NAME …] [flags]', 'get KIND/NAME … [flags]'],
    about: `Shows objects. KIND is a plural, singular or short name (virtualservices, vs), several with commas, or "all".`,
    flags,
    examples: ['get vs', 'get vs,dr -A -o wide', 'get vs reviews -o yaml', 'get vs -l app=reviews --watch'],
  }),
  async run(argv, context) {
    const { values, words } = parseArguments(argv, flags);
    const format = choiceOf(values, 'output', formats) ?? 'table';
    const everywhere = values['all-namespaces'] !== undefined;
    if (everywhere && values.namespace !== undefined)
      throw usageError('--namespace and --all-namespaces exclude each other');
    const { client, settings } = await openSession(values, context);
    const targets = readTargets(words, await discoverKinds(client));
    const missing: string[] = [];
    const query: GetRequest = {
      client,
      missing,
      namespace: everywhere ? null : settings.namespace,
      selector: flagText(values, 'selector'),
    };
    const named = targets.some(({ names }) => names !== null);
    if (named && everywhere) throw usageError('an object that is named is in one namespace: use --namespace');
    if (named && query.selector !== null)
      throw usageError('--selector goes with all objects of a kind, not with names');
    if (values.watch !== undefined) await watch(targets, { query, format, context });
    else if (format === 'table' || format === 'wide')
      await printTables(targets, { query, wide: format === 'wide', context });
    else await printObjects(targets, { query, format, context });
    const [first, ...others] = missing;
    if (first !== undefined) throw new DetailedError('REQUEST_REFUSED', first, others);
  },
};

interface GetRequest {
  readonly client: ApiClient;
  /** Namespace; null for all. */
  readonly namespace: string | null;
  readonly selector: string | null;
  /** Server messages about missing names, printed after the existing objects. */
  readonly missing: string[];
}

async function watch(
  targets: readonly ObjectTarget[],
  { query, format, context }: { query: GetRequest; format: (typeof formats)[number]; context: CommandContext },
): Promise<void> {
  const [target, ...more] = targets;
  if (target === undefined || more.length > 0) throw usageError('--watch goes with one kind');
  const [name = null, ...others] = target.names ?? [];
  if (others.length > 0) throw usageError('--watch goes with one name, or with all objects of a kind');
  await watchTarget({ ...query, kind: target.kind, name, format, context, stop: context.onInterrupt() });
}

interface TablePrinting {
  readonly query: GetRequest;
  readonly wide: boolean;
  readonly context: CommandContext;
}

/** Prints one table per kind. With several kinds, names include their kind. */
async function printTables(targets: readonly ObjectTarget[], { query, wide, context }: TablePrinting): Promise<void> {
  const { namespace } = query;
  let printed = 0;
  for (const target of targets) {
    const tables = (await ask(target, query, tableAccept)).map((answer) => readTable(answer, query.client));
    const rows = tableRows(tables, {
      wide,
      withNamespace: namespace === null && target.kind.namespaced,
      nameOf: targets.length === 1 ? (name) => name : (name) => displayName(target.kind, name),
    });
    if (rows.length <= 1) continue;
    context.print(`${printed++ === 0 ? '' : '\n'}${tableText(rows)}`);
  }
  if (printed > 0 || query.missing.length > 0) return;
  const inNamespace = targets.some(({ kind }) => kind.namespaced) && namespace !== null;
  context.printError(inNamespace ? `there is nothing in the namespace ${namespace}` : 'there is nothing');
}

interface ObjectPrinting {
  readonly query: GetRequest;
  readonly format: 'yaml' | 'json' | 'name';
  readonly context: CommandContext;
}

async function printObjects(
  targets: readonly ObjectTarget[],
  { query, format, context }: ObjectPrinting,
): Promise<void> {
  const objects: Record<string, unknown>[] = [];
  const names: string[] = [];
  for (const target of targets) {
    const answers = await ask(target, query, 'application/json');
    const found = answers.filter(isMap).flatMap((answer) => {
      if (target.names !== null) return [answer];
      // Items of a list may omit `kind` and `apiVersion`.
      const items = Array.isArray(answer.items) ? answer.items.filter(isMap) : [];
      return items.map((item) => ({ apiVersion: answer.apiVersion, kind: target.kind.kind, ...item }));
    });
    objects.push(...found);
    for (const { metadata } of found) names.push(displayName(target.kind, isMap(metadata) ? text(metadata.name) : ''));
  }
  if (objects.length === 0 && query.missing.length > 0) return;
  const single = objects.length === 1 && targets.every((target) => target.names !== null) ? objects[0] : undefined;
  if (format === 'name') context.print(names.map((name) => `${name}\n`).join(''));
  else context.print(await documentText(single ?? { apiVersion: 'v1', kind: 'List', items: objects }, format));
}

/** Requests the list of a kind, or each named object. */
async function ask({ kind, names }: ObjectTarget, query: GetRequest, accept: string): Promise<readonly unknown[]> {
  const { client, namespace, selector, missing } = query;
  if (names === null) {
    const path = urlOf(kind, { namespace, name: null });
    return [await client.send({ path, accept, query: { labelSelector: selector } })];
  }
  const answers: unknown[] = [];
  for (const name of names) {
    try {
      answers.push(await client.send({ path: urlOf(kind, { namespace, name }), accept }));
    } catch (error) {
      if (!(error instanceof ServerError) || error.status !== 404) throw error;
      missing.push(error.message);
    }
  }
  return answers;
}
