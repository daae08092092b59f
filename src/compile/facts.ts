import type { Proxy } from '../model/proxy.ts';
import type { Labels } from '../rules/labels.ts';

/** Fact of a proxy. The resources of a proxy depend on nothing else. */
export type Fact = keyof Proxy;

/** Tracked access to the facts of a proxy. Its layers are a function of the facts that were read. */
export interface ProxyFacts {
  get<F extends Fact>(fact: F): Proxy[F];
  read(): ReadonlySet<Fact>;
}

/** Creates tracked facts. `labelsOf` returns the labels that platforms report; without it, those of the node count. */
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
