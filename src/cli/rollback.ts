import type { Command } from './command.ts';
import { flagText, parseArguments } from './flags.ts';
import { isMap, text } from './rules/answer.ts';
import { helpText } from './rules/help.ts';
import { discoverKinds, displayName, urlOf } from './rules/kinds.ts';
import { openSession } from './rules/session.ts';
import { dryRunFlag, namespaceFlag, serverFlags } from './rules/shared-flags.ts';
import { readTarget } from './rules/targets.ts';

const flags = [
  namespaceFlag,
  { name: 'to', value: 'VERSION', about: 'a version that history shows (the one before the current)', complete: [] },
  dryRunFlag,
  ...serverFlags,
];

export const rollbackCommand: Command = {
  name: 'rollback',
  summary: 'bring back a version of a rule',
  flags,
  words: ['kinds-and-names'],
  help: helpText({
    usage: ['rollback KIND NAME [--to VERSION] [flags]'],
    about: `Writes spec, labels and annotations of an earlier version again, as a new version. An object that was deleted
comes back.`,
    flags,
    examples: ['history vs reviews', 'rollback vs reviews', 'rollback vs reviews --to 17'],
  }),
  async run(argv, context) {
    const { values, words } = parseArguments(argv, flags);
    const { client, settings } = await openSession(values, context);
    const { kind, name } = readTarget(words, await discoverKinds(client));
    const to = flagText(values, 'to');
    const dryRun = values['dry-run'] !== undefined;
    const answer = await client.send({
      method: 'POST',
      path: `${urlOf(kind, { namespace: settings.namespace, name })}/rollback`,
      query: { dryRun: dryRun ? 'All' : null },
      body: to === null ? {} : { resourceVersion: to },
    });
    const version = isMap(answer) && isMap(answer.metadata) ? text(answer.metadata.resourceVersion) : '';
    const target = to === null ? 'the version before' : `version ${to}`;
    const end = dryRun ? ' (dry run)' : `, now version ${version}`;
    context.print(`${displayName(kind, name)} rolled back to ${target}${end}\n`);
  },
};
