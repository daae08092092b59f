import type { Command } from './command.ts';
import { usageError } from './failure.ts';
import { choiceOf, flagText, parseArguments } from './flags.ts';
import { clusters, endpoints } from './proxies/clusters.ts';
import { listeners } from './proxies/listeners.ts';
import { routes } from './proxies/routes.ts';
import { type ResourceSection, resourcesIn } from './proxies/section.ts';
import { isMap } from './rules/answer.ts';
import { helpText } from './rules/help.ts';
import { documentText, plainText, tableText } from './rules/output.ts';
import { openSession } from './rules/session.ts';
import { outputFlag, serverFlags } from './rules/shared-flags.ts';

const sections: Readonly<Record<string, ResourceSection>> = { clusters, endpoints, listeners, routes };
const names = [...Object.keys(sections), 'all'];
const formats = ['table', 'json', 'yaml'] as const;

const flags = [
  { name: 'name', value: 'TEXT', about: 'only resources whose name contains this', complete: [] },
  outputFlag(formats),
  ...serverFlags,
];

export const proxyConfigCommand: Command = {
  name: 'proxy-config',
  summary: 'show the configuration of a proxy',
  flags,
  words: [names],
  help: helpText({
    usage: [`proxy-config ${names.join('|')} PROXY [flags]`],
    about: 'Shows what a connected proxy is served. PROXY is its node id or NAME.NAMESPACE, as proxy-status lists it.',
    flags,
    examples: [
      'proxy-config routes shop-1.default --name 9080',
      'proxy-config endpoints shop-1.default --name reviews',
      'proxy-config all shop-1.default -o json',
    ],
  }),
  async run(argv, context) {
    const { values, words } = parseArguments(argv, flags);
    const format = choiceOf(values, 'output', formats) ?? 'table';
    const [what = '', proxy, ...rest] = words;
    if (!names.includes(what)) throw usageError(`say what to show: ${names.join(', ')}${what && `; not "${what}"`}`);
    if (proxy === undefined || rest.length > 0) throw usageError('name one proxy; binnacle proxy-status lists them');
    const { client } = await openSession(values, context);
    const answer = await client.send({ path: '/debug/config_dump', query: { proxyID: proxy } });
    const dump = isMap(answer) ? answer : {};
    const part = flagText(values, 'name') ?? '';
    const shown =
      what === 'all' ? Object.entries(sections) : Object.entries(sections).filter(([name]) => name === what);
    const found = shown.map(([name, section]) => ({ name, section, resources: resourcesIn(dump, section, part) }));
    if (format !== 'table') {
      const value =
        what === 'all'
          ? Object.fromEntries(found.map(({ name, resources }) => [name, resources]))
          : found[0]?.resources;
      context.print(await documentText(value, format));
      return;
    }
    for (const [index, { name, section, resources }] of found.entries()) {
      if (what === 'all') context.print(`${index === 0 ? '' : '\n'}${name}\n`);
      const rows = resources.flatMap(section.rowsOf).map((row) => row.map(plainText));
      if (rows.length > 0) context.print(tableText([section.head, ...rows]));
      else context.printError(`this proxy has no ${name}${part && ` with "${part}" in their name`}`);
    }
  },
};
