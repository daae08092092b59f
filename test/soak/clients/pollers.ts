import { request } from 'node:http';
import { typeUrls } from '../../../src/proto/resource.ts';
import { eventually } from '../../support/eventually.ts';
import { send } from '../../support/http.ts';
import { type MeshType, meshTypes } from '../../support/mesh-types.ts';
import { discovery } from '../../support/rest.ts';
import { type MeshSize, namespaces, someAssignments } from '../load/mesh.ts';
import type { Random } from '../load/random.ts';
import type { SoakClient } from './client.ts';

/** Sidecars that poll over REST. They send the version that they have, or disconnect before the answer. */
export class Pollers {
  readonly #port: number;
  readonly #size: MeshSize;
  readonly #random: Random;
  /** Version of the last answer for each request. */
  readonly #versions = new Map<string, string>();
  readonly counts = { polls: 0, unchanged: 0, abandoned: 0 };
  /** Unexpected answers. */
  readonly surprises: string[] = [];

  constructor(options: { port: number; size: MeshSize; random: Random }) {
    this.#port = options.port;
    this.#size = options.size;
    this.#random = options.random;
  }

  async tick(): Promise<void> {
    const random = this.#random;
    const type = random.of(meshTypes);
    const number = random.below(12);
    const namespace = random.of(namespaces);
    const node = nodeOf(`sidecar~10.202.0.${number}~poll-${number}.${namespace}~${namespace}.svc.cluster.local`, {
      ...(number % 2 === 0 ? {} : { REST_CLUSTER: 'xds-http' }),
    });
    const names = namesOfType(type, random, this.#size);
    if (random.chance(0.1)) await this.#abandon(type, { node, resource_names: names });
    else await this.#poll(type, node, names);
  }

  async #poll(type: MeshType, node: Node, names: readonly string[]): Promise<void> {
    const key = JSON.stringify([node, type, names]);
    const had = this.#versions.get(key);
    const { status, body } = await poll(this.#port, type, {
      ...{ node, resource_names: names },
      ...(had === undefined ? {} : { version_info: had }),
    });
    this.counts.polls++;
    if (status === 304 && had !== undefined && body === '') {
      this.counts.unchanged++;
      return;
    }
    const answer = status === 200 ? JSON.parse(body) : {};
    if (answer.type_url !== typeUrls[type] || answer.version_info === had || !Array.isArray(answer.resources)) {
      this.surprises.push(`a poll of ${type} was answered ${status} ${body.slice(0, 200)}`);
      return;
    }
    if (this.#versions.size >= mostVersions) this.#versions.clear();
    this.#versions.set(key, answer.version_info);
  }

  /** Sends a request and drops the connection at some time before the end of the answer. */
  #abandon(type: MeshType, asked: object): Promise<void> {
    this.counts.abandoned++;
    return new Promise((resolve) => {
      const { body, ...exchange } = discoveryOf(type, asked);
      const outgoing = request({ host: '127.0.0.1', port: this.#port, agent: false, ...exchange });
      outgoing.on('error', () => {}); // destroyed before the answer
      outgoing.on('response', (response) => response.on('error', () => {}).resume());
      outgoing.on('close', () => resolve());
      outgoing.end(body);
      setTimeout(() => outgoing.destroy(), this.#random.below(15));
    });
  }
}

/**
 * Compares polled resources with those of the clients' streams, for the names of their clusters. Resolves with the
 * differences.
 */
export async function differencesOfPolling(port: number, clients: readonly SoakClient[]): Promise<readonly string[]> {
  let found: readonly string[] = [];
  const agree = async () => {
    found = (await Promise.all(clients.map((client) => differenceOfPolling(port, client)))).flat();
    return found.length === 0;
  };
  // a lease may have ended between the two
  await eventually(agree, { what: 'the same by polling', timeoutMs: 10_000, everyMs: 500 }).catch(() => {});
  return found;
}

async function differenceOfPolling(port: number, { has, options }: SoakClient): Promise<readonly string[]> {
  const { status, body } = await poll(port, 'cluster', { node: nodeOf(options.nodeId, { LABELS: options.labels }) });
  const polled = status === 200 ? namesIn(body) : [];
  const streamed = [...has.cluster.keys()].sort();
  if (polled.join() === streamed.join()) return [];
  const only = (some: readonly string[], others: readonly string[]) =>
    some.filter((name) => !others.includes(name)).slice(0, 3);
  const [more, missing] = [only(polled, streamed), only(streamed, polled)];
  return [`polling as ${options.nodeId}: status ${status}, more: ${more}, missing: ${missing}`];
}

const namesIn = (body: string): readonly string[] =>
  JSON.parse(body)
    .resources.map(({ name }: { name: string }) => name)
    .sort();

type Node = ReturnType<typeof nodeOf>;

const nodeOf = (id: string, metadata: object) => ({ id, metadata: { INTERCEPTION_MODE: 'NONE', ...metadata } });

/** Returns the request as options for `node:http` and `send`. */
function discoveryOf(type: MeshType, body: object) {
  const { url, ...request } = discovery(`${type}s`, body);
  return { ...request, path: url };
}

const poll = (port: number, type: MeshType, body: object) =>
  send(port, { ...discoveryOf(type, body), timeoutMs: 30_000 });

function namesOfType(type: MeshType, random: Random, { services }: MeshSize): readonly string[] {
  if (type === 'endpoint') return someAssignments(random, services);
  return type === 'route' ? [`${8_000 + random.below(5)}`] : [];
}

/** When there are more versions, all are dropped: their pollers start again. */
const mostVersions = 500;
