import type { Command, CommandContext } from './command.ts';
import { usageError } from './failure.ts';
import { choiceOf, parseFlags } from './flags.ts';
import { type BatchResult, displayItem, sendBatch } from './rules/batch.ts';
import { readDocuments } from './rules/documents.ts';
import { readSources } from './rules/files.ts';
import { helpText } from './rules/help.ts';
import { discoverKinds } from './rules/kinds.ts';
import { withNamespaces } from './rules/namespaces.ts';
import { documentText } from './rules/output.ts';
import { whileWaiting } from './rules/progress.ts';
import { openSession } from './rules/session.ts';
import {
  apiFieldValidation,
  atomicOf,
  dryRunFlag,
  fieldValidationFlag,
  fieldValidations,
  filenameFlag,
  namespaceFlag,
  oneByOneFlag,
  outputFlag,
  recursiveFlag,
  serverFlags,
} from './rules/shared-flags.ts';

const formats = ['text', 'name', 'yaml', 'json'] as const;

const flags = [
  filenameFlag,
  recursiveFlag,
  { ...namespaceFlag, about: `of documents that name none: ${namespaceFlag.about}` },
  dryRunFlag,
  fieldValidationFlag,
  oneByOneFlag,
  outputFlag(formats, 'how to print what was done; yaml and json: action, name and version of every object'),
  ...serverFlags,
];

export const applyCommand: Command = {
  name: 'apply',
  summary: 'create or change rules from files, all or none',
  flags,
  words: [],
  help: helpText({
    usage: ['apply -f FILE [-f FILE …] [flags]'],
    about: `Creates the objects of all documents of all files, or puts them in the place of those that are there, as one
transaction: when one is refused, nothing is changed.`,
    flags,
    examples: ['apply -f rules.yaml', 'apply -R -f mesh/ --dry-run', 'apply -f - < rules.yaml'],
  }),
  async run(argv, context) {
    const values = parseFlags(argv, flags);
    const output = choiceOf(values, 'output', formats) ?? 'text';
    const validation = choiceOf(values, 'field-validation', fieldValidations) ?? 'strict';
    const names = values.filename ?? [];
    if (names.length === 0) throw usageError('apply needs -f FILE (or -f - for standard input)');
    const dryRun = values['dry-run'] !== undefined;

    const files = await readSources({ names, recursive: values.recursive !== undefined, input: context.input });
    const { documents: read, warnings } = readDocuments(files, validation);
    if (read.length === 0) throw usageError(`there is no document in ${names.join(', ')}`);
    const { client, settings } = await openSession(values, context);
    for (const warning of warnings) context.printError(`Warning: ${warning}`);
    const kinds = await discoverKinds(client);
    const documents = withNamespaces(read, {
      kinds,
      namespace: settings.namespace,
      isAsked: values.namespace !== undefined,
    });
    const query = {
      dryRun: dryRun ? 'All' : null,
      fieldValidation: apiFieldValidation(validation),
      atomic: atomicOf(values),
    };
    const sent = sendBatch(client, { path: '/rules/v1/batch', query, documents });
    const items = await whileWaiting(sent, `applying ${documents.length} objects`, context);
    await printItems(items, { output, dryRun, context, nameOf: (item) => displayItem(item, kinds) });
  },
};

interface Printing {
  readonly output: (typeof formats)[number];
  readonly dryRun: boolean;
  readonly context: CommandContext;
  readonly nameOf: (item: BatchResult) => string;
}

async function printItems(items: readonly BatchResult[], { output, dryRun, context, nameOf }: Printing): Promise<void> {
  if (output === 'yaml' || output === 'json') {
    context.print(await documentText({ kind: 'BatchResult', dryRun, items }, output));
    return;
  }
  const end = dryRun ? ' (dry run)' : '';
  context.print(items.map((item) => `${nameOf(item)}${output === 'name' ? '' : ` ${item.action}${end}`}\n`).join(''));
}
