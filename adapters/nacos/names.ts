/** Name of a service in Nacos. `group` has no `@@`; `name` may. */
export interface NacosService {
  /** Namespace id; `public` is the first one. */
  readonly namespace: string;
  readonly group: string;
  readonly name: string;
}

export const defaultGroup = 'DEFAULT_GROUP';

/** Builds the name that Nacos uses in its own keys and logs: `public@@DEFAULT_GROUP@@orders`. It is unique. */
export const nameKey = ({ namespace, group, name }: NacosService): string => `${namespace}@@${group}@@${name}`;

/** Parses a key. Splits from the left, so that a service name may contain `@@`. Returns null for other text. */
export function parseNameKey(key: string): NacosService | null {
  const [namespace = '', rest] = splitOnce(key);
  if (rest === undefined) return null;
  const [group = '', name] = splitOnce(rest);
  return name === undefined || namespace === '' ? null : { namespace, group, name };
}

/**
 * Reports whether a service is one that can be called. Consumers of Dubbo register under `consumers:`, and some clients
 * leave services without a name.
 */
export const isCallableName = ({ name, group }: NacosService): boolean =>
  name.trim() !== '' && group.trim() !== '' && !/^(consumers|configurators|routers):/.test(name);

function splitOnce(text: string): readonly [string, string | undefined] {
  const at = text.indexOf('@@');
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 2)];
}
