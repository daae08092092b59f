import type { Command, CommandContext } from './command.ts';
import { usageError } from './failure.ts';
import { choiceOf, flagText, parseFlags } from './flags.ts';
import { helpText } from './rules/help.ts';
import { openSession } from './rules/session.ts';
import { outputFlag, serverFlags } from './rules/shared-flags.ts';

const formats = ['yaml', 'json'] as const;

const flags = [
  outputFlag(formats),
  {
    name: 'data-dir',
    value: 'DIR',
    about: 'read the last good rules of this data directory (or snapshot file), without a server',
  },
  ...serverFlags,
];

export const exportCommand: Command = {
  name: 'export',
  summary: 'print all rules',
  flags,
  words: [],
  help: helpText({
    usage: ['export [flags] > rules.yaml', 'export --data-dir DIR > rules.yaml'],
    about: `Prints every object with its metadata: YAML documents, or a List as JSON. "binnacle import" takes it back. With
--data-dir it reads the copy of the rules that a server keeps beside its database, for when the database is damaged.`,
    flags,
    examples: ['export > rules.yaml', 'export --data-dir .binnacle > rules.yaml'],
  }),
  async run(argv, context) {
    const values = parseFlags(argv, flags);
    const format = choiceOf(values, 'output', formats) ?? 'yaml';
    const dataDir = flagText(values, 'data-dir');
    if (dataDir === null) {
      const { client, settings } = await openSession(values, context);
      const accept = `application/${format}`;
      const answer = await client.stream({ path: '/rules/v1/export', accept, pauseMs: settings.timeoutMs });
      await printAll(answer, context);
      return;
    }
    if (values.server !== undefined || values.context !== undefined)
      throw usageError('--data-dir goes without a server');
    const { snapshotText } = await import('./rules/snapshot.ts');
    for (const part of await snapshotText(dataDir, format)) context.print(part);
  },
};

async function printAll(answer: AsyncIterable<Uint8Array>, { print }: CommandContext): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of answer) print(decoder.decode(chunk, { stream: true }));
  print(decoder.decode());
}
