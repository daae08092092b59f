import type { Command } from './command.ts';
import { choiceOf, parseArguments } from './flags.ts';
import { withoutServerFields } from './rules/changes.ts';
import { helpText } from './rules/help.ts';
import { changeSummary, fetchHistory, type Version } from './rules/history-entries.ts';
import { discoverKinds } from './rules/kinds.ts';
import { documentText, plainText, tableText } from './rules/output.ts';
import { openSession } from './rules/session.ts';
import { namespaceFlag, outputFlag, serverFlags } from './rules/shared-flags.ts';
import { readTarget } from './rules/targets.ts';
import { unifiedDiff } from './rules/unified.ts';

const formats = ['table', 'yaml', 'json'] as const;

const flags = [
  namespaceFlag,
  outputFlag(formats),
  { name: 'diff', value: null, about: 'what each version changed, as unified diffs' },
  ...serverFlags,
];

export const historyCommand: Command = {
  name: 'history',
  summary: 'show the versions of a rule',
  flags,
  words: ['kinds-and-names'],
  help: helpText({
    usage: ['history KIND NAME [flags]'],
    about: 'Shows the versions of an object that are kept, newest first; also of one that was deleted.',
    flags,
    examples: ['history vs reviews', 'history vs reviews --diff', 'rollback vs reviews --to 17'],
  }),
  async run(argv, context) {
    const { values, words } = parseArguments(argv, flags);
    const format = choiceOf(values, 'output', formats) ?? 'table';
    const { client, settings } = await openSession(values, context);
    const place = { ...readTarget(words, await discoverKinds(client)), namespace: settings.namespace };
    const versions = await fetchHistory(client, place);
    if (values.diff !== undefined) context.print(await diffsOf(versions));
    else if (format !== 'table') context.print(await documentText({ kind: 'History', items: versions }, format));
    else context.print(tableText([head, ...versions.map((one, index) => rowOf(one, versions[index + 1]))]));
  },
};

const head = ['VERSION', 'TIME', 'AUTHOR', 'CHANGE', 'FIELDS'];

const rowOf = (version: Version, before: Version | undefined): readonly string[] =>
  [version.resourceVersion, version.time, version.author, version.type, changeSummary(version, before)].map(plainText);

async function diffsOf(versions: readonly Version[]): Promise<string> {
  const texts = await Promise.all(
    versions.map(({ type, object }) => (type === 'removed' ? '' : documentText(withoutServerFields(object), 'yaml'))),
  );
  return versions
    .map(({ resourceVersion, author, time }, index) => {
      const older = versions[index + 1];
      // The change of the oldest stored version is unknown, unless that version created the object.
      const before = older === undefined ? (versions[index]?.type === 'created' ? '' : texts[index]) : texts[index + 1];
      const names = [
        older === undefined ? '/dev/null' : `version ${older.resourceVersion}`,
        plainText(`version ${resourceVersion} (${author}, ${time})`),
      ] as const;
      return unifiedDiff({ before: before ?? '', after: texts[index] ?? '', names });
    })
    .join('');
}
