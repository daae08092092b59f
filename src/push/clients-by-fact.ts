import type { Compiler, MovedProxies } from '../compile/contract.ts';
import { meetsCondition, suffixesOf } from '../compile/world/relevance.ts';
import type { Client } from './client.ts';

/** Index of clients by facts. Finds clients whose layers may have changed, by address where possible. */
export class ClientsByFact {
  readonly #all: ReadonlySet<Client>;
  readonly #compiler: Pick<Compiler, 'joined' | 'left' | 'labelsOf'>;
  readonly #byAddress = new Map<string, Set<Client>>();

  /** Registers connected proxies with the compiler, and reads the labels of their workloads from it. */
  constructor(all: ReadonlySet<Client>, compiler: Pick<Compiler, 'joined' | 'left' | 'labelsOf'>) {
    this.#all = all;
    this.#compiler = compiler;
  }

  /** Number of addresses with clients. */
  get size(): number {
    return this.#byAddress.size;
  }

  add(client: Client): void {
    this.#compiler.joined(client.proxy);
    for (const address of client.proxy.addresses) {
      const clients = this.#byAddress.get(address);
      if (clients === undefined) this.#byAddress.set(address, new Set([client]));
      else clients.add(client);
    }
  }

  delete(client: Client): void {
    this.#compiler.left(client.proxy);
    for (const address of client.proxy.addresses) {
      const clients = this.#byAddress.get(address);
      clients?.delete(client);
      if (clients?.size === 0) this.#byAddress.delete(address);
    }
  }

  /**
   * Yields every client with one of the facts, possibly more than once. Clients may come and go during the iteration.
   */
  *affected({
    everyone,
    addresses,
    namespaces,
    domains,
    conditions,
  }: MovedProxies): Generator<Client, void, undefined> {
    if (everyone) {
      yield* this.#all;
      return;
    }
    for (const address of addresses) yield* this.#byAddress.get(address) ?? [];
    if (namespaces.size + domains.size + conditions.size === 0) return;
    for (const client of this.#all) {
      const { namespace, dnsDomain } = client.proxy;
      const meets = () => {
        const labels = conditions.size === 0 ? {} : this.#compiler.labelsOf(client.proxy);
        return [...conditions].some((condition) => meetsCondition(condition, labels));
      };
      const isBelow = () => domains.size > 0 && suffixesOf(dnsDomain).some((tail) => domains.has(tail));
      if (namespaces.has(namespace) || isBelow() || meets()) yield client;
    }
  }
}
