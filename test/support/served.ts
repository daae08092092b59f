import { eventually } from './eventually.ts';
import { sendJson } from './http.ts';

/**
 * Waits until sidecars of the namespace `default` are served this many services. Changes are compiled a moment after
 * they are acknowledged. A client that connects in between is served the configuration before them, and then the difference.
 */
export async function servicesServed(httpPort: number, count: number): Promise<void> {
  await eventually(async () => (await names(httpPort, 'clusters')).filter(isOutbound).length >= count, {
    what: `${count} services in the configuration of a sidecar`,
    timeoutMs: 300_000,
    everyMs: 200,
  });
}

/** Waits until the route configuration of port 80 contains a text, such as a prefix. */
export async function routeServed(httpPort: number, text: string): Promise<void> {
  await eventually(async () => JSON.stringify(await fetched(httpPort, 'routes', ['80'])).includes(text), {
    what: `${text} in the routes of a sidecar`,
    timeoutMs: 300_000,
    everyMs: 200,
  });
}

const nodeId = 'sidecar~10.0.0.1~probe.default~default.svc.cluster.local';

const isOutbound = (name: string): boolean => name.startsWith('outbound|');

async function names(httpPort: number, plural: string): Promise<readonly string[]> {
  return (await fetched(httpPort, plural, [])).map(({ name }) => name);
}

async function fetched(
  httpPort: number,
  plural: string,
  resourceNames: readonly string[],
): Promise<readonly { readonly name: string }[]> {
  const request = { node: { id: nodeId }, resource_names: resourceNames };
  const response = await sendJson(httpPort, 'POST', `/v3/discovery:${plural}`, request);
  return (response as { resources?: { name: string }[] }).resources ?? []; // a DiscoveryResponse
}
