import type { Governance } from '../../src/dubbo/governance/governance.ts';
import type { Endpoint } from '../../src/model/endpoint.ts';
import type { RawObject } from '../../src/model/object.ts';
import type { Service } from '../../src/model/service.ts';
import type { BookEntry } from './book.ts';
import type { TranslatedInstances } from './translate.ts';

/** Instances of one service of Nacos. */
export interface GovernedPart extends Pick<TranslatedInstances, 'endpoints' | 'dubbo'> {
  readonly entry: Pick<BookEntry, 'name'>;
}

/** Applies rules of Dubbo to a service of the mesh. Those of a namespace apply to its own instances only. */
export function governedParts(
  parts: readonly GovernedPart[],
  service: Service,
  governanceOf: (namespace: string) => Governance | null,
): { readonly endpoints: readonly Endpoint[]; readonly objects: readonly RawObject[] } {
  const endpoints: Endpoint[] = [];
  let objects: readonly RawObject[] = [];
  for (const [namespace, own] of Map.groupBy(parts, ({ entry }) => entry.name.namespace)) {
    const providers = own.flatMap(({ dubbo }) => dubbo?.providers ?? []);
    const governance = providers.length === 0 ? null : governanceOf(namespace);
    const key = `${service.namespace}/${service.hostname}`;
    const governed = governance?.apply(key, { ...service, providers }) ?? null;
    if (objects.length === 0) objects = governed?.objects ?? [];
    let from = 0;
    for (const part of own) {
      const count = part.dubbo?.providers.length ?? 0;
      const ruled = governed?.endpoints.slice(from, from + count) ?? [];
      endpoints.push(...(part.dubbo === null || governed === null ? part.endpoints : part.dubbo.complete(ruled)));
      from += count;
    }
  }
  return { endpoints, objects };
}
