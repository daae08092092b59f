import type { Command } from './command.ts';
import { usageError } from './failure.ts';
import { choiceOf, parseArguments } from './flags.ts';
import { mapsAt, textAt, textsAt } from './proxies/json.ts';
import { isMap } from './rules/answer.ts';
import { helpText } from './rules/help.ts';
import { documentText, plainText, tableText } from './rules/output.ts';
import { openSession } from './rules/session.ts';
import { outputFlag, serverFlags } from './rules/shared-flags.ts';

const formats = ['table', 'json', 'yaml'] as const;
const types = ['cluster', 'endpoint', 'listener', 'route'] as const;

const flags = [outputFlag(formats), ...serverFlags];

export const explainCommand: Command = {
  name: 'explain',
  summary: 'say which rules and services made a resource of a proxy',
  flags,
  words: [],
  help: helpText({
    usage: ['explain PROXY TYPE/NAME [flags]'],
    about: [
      'Shows which rules and services a resource of a connected proxy was made from: for a route configuration, each of its',
      `virtual hosts. TYPE is one of ${types.join(', ')}. -o json and yaml add the resource.`,
    ].join('\n'),
    flags,
    examples: [
      'explain shop-1.default route/9080',
      "explain shop-1.default 'cluster/outbound|9080|v1|reviews.default.svc.cluster.local'",
    ],
  }),
  async run(argv, context) {
    const { values, words } = parseArguments(argv, flags);
    const format = choiceOf(values, 'output', formats) ?? 'table';
    const [proxy, resource, ...rest] = words;
    if (proxy === undefined || resource === undefined || rest.length > 0) {
      throw usageError('name a proxy and TYPE/NAME; binnacle proxy-config lists the resources of a proxy');
    }
    const { client } = await openSession(values, context);
    const answer = await client.send({ path: '/debug/config_dump', query: { proxyID: proxy, resource } });
    if (format !== 'table') {
      context.print(await documentText(answer, format));
      return;
    }
    const parts = partsOf(isMap(answer) ? mapsAt(answer, 'origins') : []);
    context.print(
      tableText([['RESOURCE', 'PART', 'MADE FROM'], ...parts.map((part) => [resource, ...part].map(plainText))]),
    );
  },
};

/** Returns one pair for each part and origin; a resource that nothing in particular made is the server's own. */
function partsOf(parts: ReturnType<typeof mapsAt>): readonly (readonly [part: string, origin: string])[] {
  if (parts.length === 0) return [['-', 'the server itself']];
  return parts.flatMap((one) => textsAt(one, 'origins').map((origin) => [textAt(one, 'part') || '-', origin] as const));
}
