import type { ClusterJson, ListenerJson, RouteConfigurationJson } from '../proto/json.ts';
import type { ProxyConfiguration } from './call.ts';

type JsonMap = Readonly<Record<string, unknown>>;

/**
 * Reads a config dump of Envoy's admin interface, or one of `/debug/config_dump`: active resources, and those of the
 * bootstrap. Field names are in camelCase or as in the .proto files. Returns null for any other value.
 * https://www.envoyproxy.io/docs/envoy/latest/api-v3/admin/v3/config_dump.proto
 */
export function readDump(value: unknown): ProxyConfiguration | null {
  const dump = isJsonMap(value) ? camelCased(value) : {};
  if (!isJsonMap(dump) || !Array.isArray(dump.configs)) return null;
  const sections = dump.configs.filter(isJsonMap);
  const entries = (name: string) =>
    sections.flatMap((section) => {
      const list = section[name];
      return Array.isArray(list) ? list.filter(isJsonMap) : [];
    });
  const resources = (list: string, field: string) =>
    entries(list)
      .map((entry) => entry[field])
      .filter(isJsonMap);
  const active = entries('dynamicListeners').map(({ activeState }) => (isJsonMap(activeState) ? activeState : {}));
  // Sound: a dump has these messages in proto JSON, whose form the generated types describe.
  return {
    listeners: [
      ...active.map(({ listener }) => listener).filter(isJsonMap),
      ...resources('staticListeners', 'listener'),
    ] as readonly ListenerJson[],
    routes: [
      ...resources('dynamicRouteConfigs', 'routeConfig'),
      ...resources('staticRouteConfigs', 'routeConfig'),
    ] as readonly RouteConfigurationJson[],
    clusters: [
      ...resources('dynamicActiveClusters', 'cluster'),
      ...resources('staticClusters', 'cluster'),
    ] as readonly ClusterJson[],
  };
}

const isJsonMap = (value: unknown): value is JsonMap =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Renames the keys of all objects. Keys with a dot are names of filters, not of fields. */
function camelCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelCased);
  if (!isJsonMap(value)) return value;
  const rename = (key: string) =>
    key.includes('.') ? key : key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [rename(key), camelCased(one)]));
}
