import { err, ok, type Result } from '../../lib/result.ts';
import { type XdsType, xdsTypes } from '../../proto/resource.ts';
import type { Client } from '../../push/client.ts';
import type { Coordinator } from '../../push/coordinator.ts';
import { ofClient, proxyParameter, resourceOf, resourcesOf, type ShownResource } from './one-client.ts';
import { type DebugView, jsonArray, jsonObject, type ViewProblem } from './view.ts';

/**
 * Shows the configuration of a proxy in the format of Envoy's admin interface. With `resource`, shows one resource, and
 * the services and rules that each part of it comes from.
 */
export const configDump = (coordinator: Coordinator): DebugView => ({
  path: '/debug/config_dump',
  about: 'what a proxy is served, shaped as the config dump of Envoy',
  parameters: {
    ...proxyParameter,
    resource: 'one resource and its origins: <type>/<name>, such as route/80 or listener/0.0.0.0_80',
  },
  read: (query) =>
    ofClient(coordinator, query, (client) =>
      query.resource === undefined
        ? ok(jsonObject({ configs: dumpParts(client) }))
        : oneResource(coordinator, client, query.resource),
    ),
});

function oneResource(coordinator: Coordinator, client: Client, text: string): Result<Iterable<string>, ViewProblem> {
  const [typeName = '', ...rest] = text.split('/');
  const type = xdsTypes.find((one) => one === typeName);
  const name = rest.join('/');
  if (type === undefined || name === '') {
    return err({ status: 400, message: `resource must be <type>/<name> with a type of ${xdsTypes.join(', ')}` });
  }
  const found = resourceOf(client, type, name);
  if (found === null) return err({ status: 404, message: `the proxy is served no ${type} ${name}` });
  const parts = coordinator.partsOf(client, type, name).map(({ part, origins }) => ({ part, origins }));
  return ok(jsonObject({ configs: ['[', ...section(type, [found]), ']'], origins: jsonArray(parts) }));
}

function* section(type: XdsType, resources: Iterable<ShownResource>): Generator<string> {
  const { name, list, entry } = dumpShapes[type];
  yield `{"@type": "type.googleapis.com/envoy.admin.v3.${name}", "${list}": `;
  yield* jsonArray(entries(resources, entry));
  yield '}';
}

function* entries(resources: Iterable<ShownResource>, entry: DumpShape['entry']): Generator<unknown> {
  for (const { json, version } of resources) yield entry(json, version);
}

function* dumpParts(client: Client): Generator<string> {
  let separator = '[\n';
  for (const type of xdsTypes) {
    yield separator;
    yield* section(type, resourcesOf(client, type));
    separator = ',\n';
  }
  yield '\n]';
}

interface DumpShape {
  readonly name: string;
  readonly list: string;
  readonly entry: (json: Readonly<Record<string, unknown>>, version: string) => unknown;
}

const dumpShapes: Readonly<Record<XdsType, DumpShape>> = {
  cluster: {
    name: 'ClustersConfigDump',
    list: 'dynamic_active_clusters',
    entry: (cluster, version_info) => ({ version_info, cluster }),
  },
  endpoint: {
    name: 'EndpointsConfigDump',
    list: 'dynamic_endpoint_configs',
    entry: (endpoint_config, version_info) => ({ version_info, endpoint_config }),
  },
  listener: {
    name: 'ListenersConfigDump',
    list: 'dynamic_listeners',
    entry: (listener, version_info) => ({ name: listener.name, active_state: { version_info, listener } }),
  },
  route: {
    name: 'RoutesConfigDump',
    list: 'dynamic_route_configs',
    entry: (route_config, version_info) => ({ version_info, route_config }),
  },
  secret: {
    name: 'SecretsConfigDump',
    list: 'dynamic_active_secrets',
    entry: ({ name }, version_info) => ({ name, version_info }),
  },
  extension: {
    name: 'EcdsConfigDump',
    list: 'ecds_filters',
    entry: (ecds_filter, version_info) => ({ version_info, ecds_filter }),
  },
};
