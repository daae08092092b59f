import { isMap, text } from '../rules/answer.ts';

/** JSON object of Envoy's messages, with the names of the .proto files. */
export type EnvoyJson = Readonly<Record<string, unknown>>;

/** Returns an object's field that is an object; an empty one if it is absent. */
export const mapAt = (json: EnvoyJson, key: string): EnvoyJson => (isMap(json[key]) ? json[key] : {});

/** Returns the objects of a list; none if it is absent. */
export function mapsAt(json: EnvoyJson, key: string): readonly EnvoyJson[] {
  const list = json[key];
  return Array.isArray(list) ? list.filter(isMap) : [];
}

/** Returns the texts of a list; none if it is absent. */
export function textsAt(json: EnvoyJson, key: string): readonly string[] {
  const list = json[key];
  return Array.isArray(list) ? list.map(String) : [];
}

/** Returns a text; empty if it is absent. */
export const textAt = (json: EnvoyJson, key: string): string => text(json[key]);

/** Returns a number as text; `otherwise` if it is absent. */
export const numberAt = (json: EnvoyJson, key: string, otherwise = ''): string =>
  json[key] === undefined ? otherwise : String(json[key]);

/** Formats a socket address or a pipe: `10.0.0.1:80`. */
export function addressText(address: EnvoyJson): string {
  const { address: host, port_value: port = 0 } = mapAt(address, 'socket_address');
  if (host !== undefined) return String(host).includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return textAt(mapAt(address, 'pipe'), 'path');
}
