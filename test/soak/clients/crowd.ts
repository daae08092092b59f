import type { Socket } from 'node:net';
import { typeUrls } from '../../../src/proto/resource.ts';
import { addressAt, type MeshSize, namespaces, someAssignments } from '../load/mesh.ts';
import type { Random } from '../load/random.ts';
import { type Behaviour, type ClientState, type Leaving, SoakClient, type SoakClientOptions } from './client.ts';
import { openHalfOpen } from './half-open.ts';
import { deltaRequest, type Received } from './messages.ts';

/** Clients that connect, behave well or badly, disconnect in every way, and reconnect with their earlier resources. */
export class Crowd {
  readonly #port: number;
  readonly #size: MeshSize;
  readonly #random: Random;
  readonly #longestStayMs: number;
  readonly #clients = new Map<SoakClient, number>();
  readonly #halfOpen = new Map<Socket, number>();
  /** Resources of disconnected clients, whose proxies reconnect. */
  readonly #left: { readonly nodeId: string; readonly has: ClientState }[] = [];
  readonly counts = { connected: 0, resumed: 0, halfOpen: 0, responses: 0, rejections: 0 };
  /** Unexpected ends. */
  readonly surprises: string[] = [];

  constructor(options: { port: number; size: MeshSize; random: Random; longestStayMs: number }) {
    this.#port = options.port;
    this.#size = options.size;
    this.#random = options.random;
    this.#longestStayMs = options.longestStayMs;
  }

  get size(): number {
    return this.#clients.size + this.#halfOpen.size;
  }

  /** Returns the clients that have, or will have, exactly the current resources. */
  followers(): readonly SoakClient[] {
    return [...this.#clients.keys()].filter(({ options }) => options.behaviour === 'accepts' && options.only === null);
  }

  /** Disconnects clients whose time is over, and connects one more while there are fewer than `target`. */
  tick(target: number): void {
    const now = performance.now();
    for (const [client, untilMs] of this.#clients) if (untilMs <= now) this.#dismiss(client);
    for (const [socket, untilMs] of this.#halfOpen) if (untilMs <= now) this.#tear(socket);
    const untilMs = now + 300 + this.#random.below(this.#longestStayMs);
    if (this.size >= target) this.#changeInterest();
    else if (this.#random.chance(0.04)) this.#openHalfOpen(untilMs);
    else this.#clients.set(this.#open(), untilMs);
  }

  /** Disconnects all clients. Leaves half-open connections for the server to find, unless `halfOpenToo` is set. */
  async leave({ halfOpenToo }: { readonly halfOpenToo: boolean }): Promise<void> {
    if (halfOpenToo) for (const socket of this.#halfOpen.keys()) this.#tear(socket);
    const all = [...this.#clients.keys()];
    for (const client of all) this.#dismiss(client);
    await Promise.all(all.map(({ closed }) => closed));
  }

  #open(): SoakClient {
    this.counts.connected++;
    const random = this.#random;
    const known = random.chance(0.3) ? this.#left.shift() : undefined;
    if (known !== undefined) this.counts.resumed++;
    const only = known === undefined && random.chance(0.15) ? someAssignments(random, this.#size.services) : null;
    const behaviours: readonly Behaviour[] = [
      'accepts',
      'accepts',
      'accepts',
      'accepts',
      'rejects',
      'silent',
      'stops-reading',
    ];
    const options: SoakClientOptions = {
      port: this.#port,
      mode: known !== undefined || random.chance(0.5) ? 'delta' : 'sotw',
      nodeId: known?.nodeId ?? this.#newNode(),
      labels: { version: random.of(['v1', 'v2', 'v3']) },
      behaviour: random.of(behaviours),
      only,
      ...(known === undefined ? {} : { has: known.has }),
      judge: (response) => this.#judge(response),
      surprised: (why) => this.#surprised(client, why),
    };
    const client = new SoakClient(options);
    return client;
  }

  /** Returns a new node id. Every second one is a workload of a service, if its address is still registered. */
  #newNode(): string {
    const random = this.#random;
    const namespace = random.of(namespaces);
    const number = this.counts.connected;
    const own = addressAt(random.below(this.#size.services), random.below(this.#size.instances));
    const address = random.chance(0.5) ? own : `10.200.${(number >> 8) & 255}.${number & 255}`;
    return `sidecar~${address}~soak-${number}.${namespace}~${namespace}.svc.cluster.local`;
  }

  #judge({ resources }: Received): string | null {
    const random = this.#random;
    if (!random.chance(0.3)) return null;
    const name = resources[random.below(Math.max(1, resources.length))]?.name;
    if (name === undefined || random.chance(0.5)) return 'no reason is given';
    return `Error adding/updating ${name}: not to this client's taste`;
  }

  #changeInterest(): void {
    const client = [...this.#clients.keys()].find(({ options }) => options.only !== null);
    if (client !== undefined && this.#random.chance(0.2))
      client.follow(someAssignments(this.#random, this.#size.services));
  }

  #openHalfOpen(untilMs: number): void {
    this.counts.halfOpen++;
    const request = deltaRequest({ typeUrl: typeUrls.cluster, node: { id: this.#newNode() } });
    const socket = openHalfOpen(this.#port, this.#random.chance(0.8) ? request : null);
    this.#halfOpen.set(socket, untilMs);
    socket.on('close', () => this.#halfOpen.delete(socket));
  }

  #tear(socket: Socket): void {
    socket.resetAndDestroy();
    this.#halfOpen.delete(socket);
  }

  #dismiss(client: SoakClient): void {
    this.#forget(client);
    const { mode, only, nodeId, behaviour } = client.options;
    if (mode === 'delta' && only === null && behaviour === 'accepts') {
      this.#left.push({ nodeId, has: client.has });
      if (this.#left.length > 50) this.#left.shift();
    }
    const ways: readonly Leaving[] = ['cancel', 'drop', 'end', 'torn-cancel', 'torn-drop'];
    void client.leave(this.#random.of(ways));
  }

  #forget(client: SoakClient): void {
    this.#clients.delete(client);
    this.counts.responses += client.responses;
    this.counts.rejections += client.rejections;
  }

  #surprised(client: SoakClient, why: string): void {
    this.#forget(client);
    const { mode, behaviour } = client.options;
    if (this.surprises.length < 20) this.surprises.push(`a ${mode} client that ${behaviour} was ended: ${why}`);
  }
}
