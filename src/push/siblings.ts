import { oweAssignments } from '../xds/owed.ts';
import type { Response } from '../xds/response.ts';
import type { World } from '../xds/stream.ts';
import type { Client } from './client.ts';

/**
 * Clients by their node id: a proxy may have a stream for each type. What its streams need of each other is little, as
 * nothing is promised about the order between streams.
 */
export class Siblings {
  readonly #byId = new Map<string, Set<Client>>();

  add(client: Client): void {
    const { id } = client.proxy;
    const siblings = this.#byId.get(id);
    if (siblings === undefined) this.#byId.set(id, new Set([client]));
    else siblings.add(client);
  }

  delete(client: Client): void {
    const { id } = client.proxy;
    const siblings = this.#byId.get(id);
    siblings?.delete(client);
    if (siblings?.size === 0) this.#byId.delete(id);
  }

  /**
   * Rule 2 of ADR 1 between streams: Envoy warms a changed cluster anew, and waits for its assignment wherever that comes
   * from. It goes once the clusters are answered, as an earlier one may overtake them.
   *
   * @returns the clients that are owed something now.
   */
  clustersAnswered(client: Client, response: Response, world: World): readonly Client[] {
    if (client.stream.types.has('endpoint')) return []; // it was owed them when they were sent
    const owed = [...(this.#byId.get(client.proxy.id) ?? [])].filter(
      ({ stream }) => stream.types.has('endpoint') && !stream.types.has('cluster'),
    );
    for (const { stream } of owed) oweAssignments(stream, response, world);
    return owed;
  }
}
