import { addAssignments } from '../xds/stream/must-send.ts';
import type { StreamContext } from '../xds/stream/stream.ts';
import type { Response } from '../xds/wire/response.ts';
import type { Client } from './client.ts';

/**
 * Clients by caller and node id: a proxy may have one stream per type. The caller is part of the key, because a client
 * may use the node id of another. Streams of a proxy share little, because no order between streams is promised.
 */
export class StreamsByProxy {
  readonly #byKey = new Map<string, Set<Client>>();

  /** Number of callers and node ids with clients. */
  get size(): number {
    return this.#byKey.size;
  }

  add(client: Client): void {
    const key = keyOf(client);
    const streams = this.#byKey.get(key);
    if (streams === undefined) this.#byKey.set(key, new Set([client]));
    else streams.add(client);
  }

  delete(client: Client): void {
    const key = keyOf(client);
    const streams = this.#byKey.get(key);
    streams?.delete(client);
    if (streams?.size === 0) this.#byKey.delete(key);
  }

  /**
   * Rule 2 of docs/protocol.md between streams: Envoy warms a changed cluster anew, and waits for its assignment wherever that comes
   * from. It goes once the clusters are answered, as an earlier one may overtake them.
   *
   * @returns the clients that are owed something now.
   */
  clustersAnswered(client: Client, response: Response, context: StreamContext): readonly Client[] {
    if (client.stream.types.has('endpoint')) return []; // recorded when they were sent
    const owed = [...(this.#byKey.get(keyOf(client)) ?? [])].filter(
      ({ stream }) => stream.types.has('endpoint') && !stream.types.has('cluster'),
    );
    for (const { stream } of owed) addAssignments(stream, response, context);
    return owed;
  }
}

const keyOf = ({ caller, proxy }: Client): string => JSON.stringify([caller.key, proxy.id]);
