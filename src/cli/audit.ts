import type { Command } from './command.ts';
import { usageError } from './failure.ts';
import { choiceOf, flagText, parseFlags } from './flags.ts';
import { isMap, text } from './rules/answer.ts';
import type { ApiClient } from './rules/client.ts';
import { helpText } from './rules/help.ts';
import { documentText, plainText, tableText } from './rules/output.ts';
import { openSession } from './rules/session.ts';
import { namespaceFlag, outputFlag, serverFlags } from './rules/shared-flags.ts';

const formats = ['table', 'json', 'yaml'] as const;

const flags = [
  { name: 'limit', value: 'N', about: 'how many entries (50)', complete: [] },
  { ...namespaceFlag, about: 'only of this namespace' },
  { name: 'kind', value: 'KIND', about: 'only of this kind, as documents spell it: VirtualService', complete: [] },
  { name: 'name', value: 'NAME', about: 'only of objects of this name', complete: [] },
  { name: 'author', value: 'AUTHOR', about: 'only what this author asked for', complete: [] },
  outputFlag(formats),
  ...serverFlags,
];

export const auditCommand: Command = {
  name: 'audit',
  summary: 'show who asked for which change',
  flags,
  words: [],
  help: helpText({
    usage: ['audit [flags]'],
    about: 'Shows requests that changed something or wanted to, newest first: who, when, what, and what came of it.',
    flags,
    examples: ['audit --limit 10', 'audit -n test --author anna@laptop -o json'],
  }),
  async run(argv, context) {
    const values = parseFlags(argv, flags);
    const format = choiceOf(values, 'output', formats) ?? 'table';
    const limit = readLimit(flagText(values, 'limit'));
    const { client } = await openSession(values, context);
    const items = await readEntries(client, limit, {
      namespace: flagText(values, 'namespace'),
      kind: flagText(values, 'kind'),
      name: flagText(values, 'name'),
      author: flagText(values, 'author'),
    });
    if (format === 'table') context.print(tableText([head, ...items.map(rowOf)]));
    else context.print(await documentText({ kind: 'AuditLog', items }, format));
  },
};

const head = ['TIME', 'AUTHOR', 'FROM', 'VERB', 'OBJECT', 'CODE', 'MESSAGE'];

type AuditRecord = Readonly<Record<string, unknown>>;

function rowOf({ time, author, remote, verb, kind, namespace, name, code, message }: AuditRecord): readonly string[] {
  const object = [kind, namespace, name].map(text).filter(Boolean).join('/');
  return [text(time), text(author), text(remote), text(verb), object, String(code), text(message)].map(plainText);
}

/** Reads entries page by page, because the server limits the size of a page. */
async function readEntries(
  client: ApiClient,
  limit: number,
  query: Record<string, string | null>,
): Promise<AuditRecord[]> {
  const entries: AuditRecord[] = [];
  let before: string | null = null;
  do {
    const page = await client.send({
      path: '/rules/v1/audit',
      query: { ...query, limit: String(limit - entries.length), before },
    });
    const items = isMap(page) && Array.isArray(page.items) ? page.items.filter(isMap) : [];
    entries.push(...items);
    const next = isMap(page) ? page.next : null;
    before = typeof next === 'string' && next !== before && items.length > 0 ? next : null;
  } while (before !== null && entries.length < limit);
  return entries.slice(0, limit);
}

function readLimit(given: string | null): number {
  const limit = given === null ? 50 : /^\d{1,6}$/.test(given) ? Number(given) : 0;
  if (limit > 0) return limit;
  throw usageError(`--limit must be a number from 1 to 999999, not "${given}"`);
}
