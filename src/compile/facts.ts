import type { Proxy } from '../model/proxy.ts';

/** The facts of a proxy. Everything that is compiled for it may depend on nothing else. */
export type Fact = keyof Proxy;

/** Reads a proxy and remembers what was read: the layers of a proxy are a function of exactly these facts. */
export interface ProxyFacts {
  get<F extends Fact>(fact: F): Proxy[F];
  read(): ReadonlySet<Fact>;
}

export function createProxyFacts(proxy: Proxy): ProxyFacts {
  const read = new Set<Fact>();
  return {
    get(fact) {
      read.add(fact);
      return proxy[fact];
    },
    read: () => read,
  };
}
