import type { Command } from './command.ts';
import { usageError } from './failure.ts';
import { parseFlags } from './flags.ts';
import { type BatchResult, displayItem, sendBatch } from './rules/batch.ts';
import { readDocuments } from './rules/documents.ts';
import { readSources } from './rules/files.ts';
import { helpText } from './rules/help.ts';
import { discoverKinds } from './rules/kinds.ts';
import { whileWaiting } from './rules/progress.ts';
import { openSession } from './rules/session.ts';
import { atomicOf, dryRunFlag, filenameFlag, oneByOneFlag, recursiveFlag, serverFlags } from './rules/shared-flags.ts';

const flags = [
  filenameFlag,
  recursiveFlag,
  { name: 'replace', value: null, about: 'also delete what is not in the files' },
  dryRunFlag,
  oneByOneFlag,
  ...serverFlags,
];

export const importCommand: Command = {
  name: 'import',
  summary: 'take in what export printed',
  flags,
  words: [],
  help: helpText({
    usage: ['import -f FILE [--replace] [flags]'],
    about: `Writes what "binnacle export" printed, as one transaction. Unlike apply, it keeps when objects were created, which
decides between rules for the same host.`,
    flags,
    examples: ['export > rules.yaml', 'import -f rules.yaml --replace --dry-run'],
  }),
  async run(argv, context) {
    const values = parseFlags(argv, flags);
    const names = values.filename ?? [];
    if (names.length === 0) throw usageError('import needs -f FILE (or -f - for standard input)');
    const replace = values.replace !== undefined;
    const dryRun = values['dry-run'] !== undefined;
    const files = await readSources({ names, recursive: values.recursive !== undefined, input: context.input });
    const { documents } = readDocuments(files);
    if (documents.length === 0 && !replace) throw usageError(`there is no document in ${names.join(', ')}`);
    const { client } = await openSession(values, context);
    const kinds = await discoverKinds(client);
    const query = { replace: replace ? 'true' : null, dryRun: dryRun ? 'All' : null, atomic: atomicOf(values) };
    const sent = sendBatch(client, { path: '/rules/v1/import', query, documents });
    const items = await whileWaiting(sent, `importing ${documents.length} objects`, context);
    const end = dryRun ? ' (dry run)' : '';
    const changed = items.filter(({ action }) => action !== 'unchanged');
    context.print(changed.map((item) => `${displayItem(item, kinds)} ${item.action}${end}\n`).join(''));
    context.print(`${summary(items)}${end}\n`);
  },
};

const actions = ['created', 'configured', 'unchanged', 'deleted'] as const;

const summary = (items: readonly BatchResult[]): string =>
  actions.map((action) => `${items.filter((item) => item.action === action).length} ${action}`).join(', ');
