import { MeshError } from '../../lib/errors.ts';
import type { Answer, ProxyConfiguration } from '../../simulator/call.ts';
import { readDump } from '../../simulator/dump.ts';
import type { CommandContext } from '../command.ts';
import { isMap, ServerError } from '../rules/answer.ts';
import type { ApiClient } from '../rules/client.ts';
import { readSources } from '../rules/files.ts';
import type { AnswerOrigins } from './report.ts';

/** Source of a proxy's configuration. */
export interface DumpSource {
  readonly configuration: ProxyConfiguration;
  /** Returns the rules and services from which the parts of an answer come. */
  originsOf(answer: Answer): Promise<AnswerOrigins>;
}

const noOrigins: AnswerOrigins = { listener: [], virtualHost: [], clusters: new Map() };

/** Reads a config dump from a file, or from standard input for `-`. It does not say where its parts come from. */
export async function dumpInFile(name: string, { input }: Pick<CommandContext, 'input'>): Promise<DumpSource> {
  const [source] = await readSources({ names: [name], recursive: false, input });
  const configuration = source === undefined ? null : readDump(parseDump(source.text));
  if (configuration === null) throw new MeshError('DOCUMENT_INVALID', `${name} is no config dump in JSON`);
  return { configuration, originsOf: async () => noOrigins };
}

/** Requests the config dump of a proxy, by its node id or `<name>.<namespace>`. */
export async function dumpOfProxy(client: ApiClient, proxy: string): Promise<DumpSource> {
  const path = '/debug/config_dump';
  const configuration = readDump(await client.send({ path, query: { proxyID: proxy } }));
  if (configuration === null)
    throw new MeshError('SERVER_FAILED', `${client.server}${path} answers with no config dump`);

  const originsOf = async (type: string, name: string | null, part = ''): Promise<readonly string[]> => {
    if (name === null) return [];
    const answer = await client
      .send({ path, query: { proxyID: proxy, resource: `${type}/${name}` } })
      .catch((error: unknown) => {
        // A resource that is not served, such as an inline route configuration, has no origins.
        if (error instanceof ServerError && error.status === 404) return null;
        throw error;
      });
    return readOrigins(answer, part);
  };
  return {
    configuration,
    async originsOf({ listener, routeConfiguration, virtualHost, outcome }) {
      const names = outcome.type === 'forward' ? outcome.clusters.map(({ name }) => name) : [];
      const clusters = names.map(async (name) => [name, await originsOf('cluster', name)] as const);
      return {
        listener: await originsOf('listener', listener),
        virtualHost: virtualHost === null ? [] : await originsOf('route', routeConfiguration, virtualHost),
        clusters: new Map(await Promise.all(clusters)),
      };
    },
  };
}

function readOrigins(answer: unknown, part: string): readonly string[] {
  const parts = isMap(answer) && Array.isArray(answer.origins) ? answer.origins.filter(isMap) : [];
  const own = parts.filter((one) => one.part === part || one.part === '');
  const names = own.flatMap(({ origins }) => (Array.isArray(origins) ? origins : []));
  return [...new Set(names.filter((name) => typeof name === 'string'))];
}

function parseDump(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (cause instanceof SyntaxError) return null;
    throw cause;
  }
}
