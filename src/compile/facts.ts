import type { Proxy } from '../model/proxy.ts';
import type { Labels } from '../rules/labels.ts';

/** The facts of a proxy. Everything that is compiled for it may depend on nothing else. */
export type Fact = keyof Proxy;

/** Reads a proxy and remembers what was read: the layers of a proxy are a function of exactly these facts. */
export interface ProxyFacts {
  get<F extends Fact>(fact: F): Proxy[F];
  read(): ReadonlySet<Fact>;
}

/** `labelsOf`: what platforms know of its labels; left out, they are as the node says. */
export function createProxyFacts(proxy: Proxy, labelsOf?: (proxy: Proxy) => Labels): ProxyFacts {
  const read = new Set<Fact>();
  let known: Proxy | null = labelsOf === undefined ? proxy : null;
  return {
    get(fact) {
      read.add(fact);
      if (fact !== 'labels') return proxy[fact];
      known ??= { ...proxy, labels: labelsOf?.(proxy) ?? proxy.labels };
      return known[fact];
    },
    read: () => read,
  };
}
