import { simulate } from '../simulator/simulate.ts';
import type { Command, CommandContext } from './command.ts';
import { usageError } from './failure.ts';
import { choiceOf, type FlagValues, flagText, parseArguments } from './flags.ts';
import { listenersOfAddresses, withAddress } from './route-test/address.ts';
import { readCall } from './route-test/call.ts';
import { reportJson, reportText } from './route-test/report.ts';
import { type DumpSource, dumpInFile, dumpOfProxy } from './route-test/source.ts';
import { helpText } from './rules/help.ts';
import { documentText } from './rules/output.ts';
import { openSession } from './rules/session.ts';
import { outputFlag, serverFlags } from './rules/shared-flags.ts';

const formats = ['table', 'json', 'yaml'] as const;

const flags = [
  {
    name: 'filename',
    short: 'f',
    value: 'FILE',
    about: 'a config dump of an Envoy, or - for standard input; instead of PROXY',
  },
  { name: 'method', short: 'X', value: 'METHOD', about: 'the method (GET)', complete: [] },
  {
    name: 'header',
    short: 'H',
    value: 'HEADER',
    about: 'a header, "NAME: VALUE"; may be repeated',
    many: true,
    complete: [],
  },
  {
    name: 'address',
    value: 'IP',
    about: "the original destination (the URL's, or one of its virtual host)",
    complete: [],
  },
  { name: 'inbound', value: null, about: 'a call to the workload of the proxy; without it, a call of the workload' },
  { name: 'http2', value: null, about: 'HTTP/2 instead of HTTP/1.1' },
  { name: 'sni', value: 'NAME', about: "with TLS: the server name (the URL's host)", mayBeEmpty: true, complete: [] },
  {
    name: 'alpn',
    value: 'NAMES',
    about: 'with TLS: the offered protocols, with commas',
    mayBeEmpty: true,
    complete: [],
  },
  { name: 'client-certificate', value: null, about: 'with TLS: the client shows a certificate' },
  outputFlag(formats),
  ...serverFlags,
];

export const routeTestCommand: Command = {
  name: 'route-test',
  summary: "show where a proxy's configuration sends a call",
  flags,
  help: helpText({
    usage: ['route-test PROXY URL [flags]', 'route-test -f FILE URL [flags]'],
    about: `Shows which listener, filter chain, virtual host, route and cluster of a sidecar or gateway answer a call, and the rules
that they come from. Nothing is sent to the proxy. PROXY is a node id or NAME.NAMESPACE of a connected proxy. URL is
http://HOST:PORT/PATH, https://…, tcp://HOST:PORT or tls://….`,
    flags,
    examples: [
      'route-test productpage.default http://reviews:9080/reviews/1 -H "end-user: jason"',
      'route-test productpage.default tcp://10.0.0.7:3306',
      'route-test reviews.default --inbound http://10.0.0.5:9080/',
      'route-test -f config_dump.json https://shop.example/ -o json',
    ],
  }),
  async run(argv, context) {
    const { values, words } = parseArguments(argv, flags);
    const format = choiceOf(values, 'output', formats) ?? 'table';
    const { open, url } = readWords(words, values, context);
    const given = readCall(url, values);
    const { configuration, originsOf } = await open();
    const call = withAddress(given, configuration);
    const hidden = call.address === '' ? listenersOfAddresses(configuration, call.port) : 0;
    if (hidden > 0) {
      context.printError(
        `Warning: ${hidden} listeners of port ${call.port} are for single addresses: name one with --address`,
      );
    }
    const answer = simulate(configuration, call);
    const origins = await originsOf(answer);
    if (format === 'table') context.print(reportText(answer, origins));
    else context.print(await documentText(reportJson(call, answer, origins), format));
  },
};

/** Reads the words: a proxy and a URL, or only a URL with `-f`. */
function readWords(
  words: readonly string[],
  values: FlagValues,
  context: CommandContext,
): { readonly url: string; open(): Promise<DumpSource> } {
  const file = flagText(values, 'filename');
  const [first, second, stray] = words;
  if (file !== null) {
    if (first === undefined || second !== undefined) throw usageError('with -f, give one URL and no proxy');
    return { url: first, open: () => dumpInFile(file, context) };
  }
  if (first === undefined || second === undefined || stray !== undefined) {
    throw usageError('name a proxy and a URL: route-test productpage.default http://reviews:9080/');
  }
  return { url: second, open: async () => dumpOfProxy((await openSession(values, context)).client, first) };
}
