import type { Command } from './command.ts';
import { choiceOf, parseArguments } from './flags.ts';
import { type EnvoyJson, mapAt, mapsAt, textAt } from './proxies/json.ts';
import { helpText } from './rules/help.ts';
import { documentText, plainText, tableText } from './rules/output.ts';
import { openSession } from './rules/session.ts';
import { outputFlag, serverFlags } from './rules/shared-flags.ts';

const formats = ['table', 'json', 'yaml'] as const;
const types = ['cluster', 'endpoint', 'listener', 'route'] as const;

const flags = [outputFlag(formats), ...serverFlags];

export const proxyStatusCommand: Command = {
  name: 'proxy-status',
  summary: 'show whether proxies have their newest configuration',
  flags,
  words: [],
  help: helpText({
    usage: ['proxy-status [PROXY] [flags]'],
    about: [
      'Shows for each proxy and type: SYNCED (the newest is acknowledged), PENDING (sent, or about to be), UNANSWERED (it asks for what does',
      'not exist), NACK (rejected), - (not asked for). With a PROXY (its node id or NAME.NAMESPACE): also why it rejected something.',
    ].join('\n'),
    flags,
    examples: ['proxy-status', 'proxy-status shop-1.default'],
  }),
  async run(argv, context) {
    const { values, words } = parseArguments(argv, flags);
    const format = choiceOf(values, 'output', formats) ?? 'table';
    const { client } = await openSession(values, context);
    const [synced, connected] = await Promise.all(['/debug/syncz', '/debug/adsz'].map((path) => client.send({ path })));
    const proxies = new Map(mapsAt({ list: connected }, 'list').map((one) => [textAt(one, 'connectionId'), one]));
    const streams = mapsAt({ list: synced }, 'list')
      .map((stream) => ({ ...stream, ...proxies.get(textAt(stream, 'connectionId')), id: textAt(stream, 'proxy') }))
      .filter((stream) => words.length === 0 || words.includes(textAt(stream, 'id')) || words.includes(nameOf(stream)));
    if (format !== 'table') {
      context.print(await documentText(streams, format));
      return;
    }
    if (streams.length === 0) {
      context.printError(
        words.length === 0
          ? 'no proxy is connected'
          : `no proxy "${words.join(' ')}" is connected; binnacle proxy-status lists all`,
      );
      return words.length === 0 ? 0 : 4;
    }
    context.print(tableText([head, ...streams.map((stream) => rowOf(stream).map(plainText))]));
    if (words.length === 0) return;
    for (const stream of streams) for (const line of nacksOf(stream)) context.print(`\n${plainText(line)}\n`);
  },
};

const head = ['PROXY', 'KIND', 'CLUSTERS', 'ENDPOINTS', 'LISTENERS', 'ROUTES', 'CONNECTED', 'FROM'];

const nameOf = (stream: EnvoyJson): string => {
  const { name, namespace } = mapAt(stream, 'proxy');
  return name === undefined ? textAt(stream, 'id') : `${name}.${namespace}`;
};

function rowOf(stream: EnvoyJson): readonly string[] {
  const states = types.map((type) => textAt(mapAt(mapAt(stream, 'types'), type), 'state') || '-');
  const kind = textAt(mapAt(stream, 'proxy'), 'client');
  return [nameOf(stream), kind, ...states, textAt(stream, 'connectedAt'), textAt(stream, 'peer')];
}

const nacksOf = (stream: EnvoyJson): readonly string[] =>
  Object.entries(mapAt(stream, 'types')).flatMap(([type, state]) => {
    const nack = mapAt(state as EnvoyJson, 'lastNack'); // syncz: an object by type
    return nack.reason === undefined ? [] : [`${type} rejected ${textAt(nack, 'at')}: ${textAt(nack, 'reason')}`];
  });
