import { err, type Result } from '../../lib/result.ts';
import { resourceToJson } from '../../proto/json.ts';
import { type EncodedResource, typeRows, type XdsType } from '../../proto/resource.ts';
import type { Client } from '../../push/client.ts';
import type { Coordinator } from '../../push/coordinator.ts';
import type { ViewProblem, ViewQuery } from './view.ts';

export const proxyParameter = { proxyID: 'the node id, or <name>.<namespace>' };

/** Lists the resources of a type that a client is served. Private ones have only a name. */
export function* resourcesOf(client: Client, type: XdsType): Generator<ShownResource> {
  for (const layer of client.layers) {
    for (const { resource } of layer.tables[type].entries.values()) yield shown(type, resource);
  }
}

/** Returns one resource of a client; null if it has none of that name. */
export function resourceOf(client: Client, type: XdsType, name: string): ShownResource | null {
  for (const layer of client.layers) {
    const entry = layer.tables[type].entries.get(name);
    if (entry !== undefined) return shown(type, entry.resource);
  }
  return null;
}

export interface ShownResource {
  readonly json: Readonly<Record<string, unknown>>;
  readonly version: string;
}

const shown = (type: XdsType, resource: EncodedResource): ShownResource => ({
  json: typeRows[type].isPrivate ? { name: resource.name } : resourceToJson(type, resource, { names: 'proto' }),
  version: resource.version,
});

/** Answers with what `show` returns for the client that a query names. */
export function ofClient(
  { clients }: Coordinator,
  { proxyID }: ViewQuery,
  show: (client: Client) => Result<Iterable<string>, ViewProblem>,
): Result<Iterable<string>, ViewProblem> {
  for (const client of clients) {
    if (isProxy(client, proxyID)) return show(client);
  }
  const connected = [...clients].slice(0, 20).map(({ proxy }) => `${proxy.name}.${proxy.namespace}`);
  const here = `connected are: ${connected.join(', ') || 'none'}`;
  if (proxyID === undefined || proxyID === '')
    return err({ status: 400, message: `name a proxy with ?proxyID=; ${here}` });
  return err({ status: 404, message: `no proxy "${proxyID}" is connected here; ${here}` });
}

/** Reports whether a client is the proxy of that node id, name or connection. */
export const isProxy = ({ id, proxy }: Client, proxyID: string | undefined): boolean =>
  proxyID === proxy.id || proxyID === `${proxy.name}.${proxy.namespace}` || proxyID === id;
