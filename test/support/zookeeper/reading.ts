import { createCatalog } from '../../../adapters/zookeeper/catalog.ts';
import { zookeeper } from '../../../adapters/zookeeper/index.ts';
import { layoutsOf } from '../../../adapters/zookeeper/layouts/layouts.ts';
import { createGovernance } from '../../../src/dubbo/governance/governance.ts';

/** Tree of nodes and what it becomes. Times are milliseconds. */
export function reading(settings: object, holdMs = 0) {
  const resolved = new Map<string, readonly string[]>();
  const users = new Map<string, readonly string[]>();
  const addresses = {
    use: (user: string, hosts: readonly string[]) => void users.set(user, hosts),
    of: (host: string) => resolved.get(host) ?? [],
  };
  const problems = new Map<string, string>();
  const report = (origin: string, message: string | null) => {
    if (message === null) problems.delete(origin);
    else problems.set(origin, message);
  };
  const governance = createGovernance({ report });
  const catalog = createCatalog({ namespace: 'default', holdMs, addresses, governance });
  const config = zookeeper.config.parse({ servers: ['127.0.0.1:2181'], ...settings });
  const trees = layoutsOf(config, {
    catalog,
    governance,
    chroot: '',
    report,
  }).flatMap((layout) => layout.trees);

  const change = (type: 'put' | 'removed', path: string, data: string | Buffer | null) => {
    for (const { root, interestIn, apply } of trees) {
      if (!path.startsWith(`${root}/`)) continue;
      const names = path.slice(root.length + 1).split('/');
      const isRead = names.every((_, index) => interestIn(names.slice(0, index + 1)) !== null);
      if (isRead)
        apply(type === 'put' ? { type, names, data: data === null ? null : Buffer.from(data) } : { type, names });
    }
  };
  return {
    problems,
    put: (path: string, data: string | Buffer | null = null) => change('put', path, data),
    remove: (path: string) => change('removed', path, null),
    take: (nowMs = 0) => catalog.takeChanges(nowMs),
    nextAtMs: catalog.nextAtMs,
    resolve(host: string, ...found: readonly string[]) {
      resolved.set(host, found);
      catalog.resolved([...users].flatMap(([user, hosts]) => (hosts.includes(host) ? [user] : [])));
    },
    origins: () => catalog.contents().endpoints.flatMap(({ endpoints }) => endpoints.map(({ origin }) => origin)),
    /** Returns `hostname: address:ports …`, unhealthy ones in parentheses. */
    world(nowMs = 0) {
      catalog.takeChanges(nowMs);
      return catalog.contents().endpoints.map(({ hostname, endpoints }) =>
        [
          `${hostname}:`,
          ...endpoints.map(({ address, ports, health }) => {
            const text = `${address} ${JSON.stringify(ports)}`;
            return health === 'healthy' ? text : `(${text})`;
          }),
        ].join(' '),
      );
    },
    /** Returns the rules of the mesh by kind and name. */
    objects(nowMs = 0) {
      catalog.takeChanges(nowMs);
      return catalog.contents().objects;
    },
    /** Returns everything, in an order of its own. */
    contents(nowMs = 0) {
      catalog.takeChanges(nowMs);
      const { services, endpoints, objects } = catalog.contents();
      const byText = <Part>(parts: readonly Part[]) => parts.map((part) => JSON.stringify(part)).sort();
      return {
        services: byText(services),
        endpoints: byText(endpoints.map((set) => ({ ...set, endpoints: byText(set.endpoints) }))),
        objects: byText(objects),
        problems: byText([...problems]),
      };
    },
    services(nowMs = 0) {
      catalog.takeChanges(nowMs);
      return catalog.contents().services;
    },
  };
}
