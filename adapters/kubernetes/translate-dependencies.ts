import { addTo, removeFrom } from '../../src/lib/sets-by-key.ts';
import type { SliceBody, SliceEndpoint } from './schema.ts';
import type { Read } from './translate.ts';

/** Services by what their endpoints are joined with: see `dependenciesOf`. */
export interface Dependencies {
  /** Replaces what a service depends on: that of the endpoints of `slices`. */
  note(service: string, slices: readonly Read<SliceBody>[]): void;
  /** Returns the services that depend on a Pod, an address or a Node. */
  dependents(dependency: string): Iterable<string>;
  /** Number of entries in each index. */
  sizes(): Readonly<Record<string, number>>;
}

export function createDependencies(): Dependencies {
  const dependents = new Map<string, Set<string>>();
  const dependencies = new Map<string, ReadonlySet<string>>();
  return {
    note(service, slices) {
      const next = new Set(
        slices.flatMap(({ body, metadata }) =>
          (body.endpoints ?? []).flatMap((endpoint) => dependenciesOf(endpoint, metadata.namespace)),
        ),
      );
      const before = dependencies.get(service) ?? new Set<string>();
      for (const dependency of before) if (!next.has(dependency)) removeFrom(dependents, dependency, service);
      for (const dependency of next) if (!before.has(dependency)) addTo(dependents, dependency, service);
      if (next.size === 0) dependencies.delete(service);
      else dependencies.set(service, next);
    },
    dependents: (dependency) => dependents.get(dependency) ?? [],
    sizes: () => ({ dependents: dependents.size, dependencies: dependencies.size }),
  };
}

/**
 * Returns what an endpoint is joined with: a Pod by name (`pod/<namespace>/<name>`) or else by address (`ip/<address>`),
 * and a Node (`node/<name>`).
 */
function dependenciesOf({ targetRef, addresses, nodeName }: SliceEndpoint, namespace: string): readonly string[] {
  const pod =
    targetRef?.kind === 'Pod'
      ? `pod/${targetRef.namespace ?? namespace}/${targetRef.name}`
      : `ip/${addresses[0] ?? ''}`;
  return nodeName ? [pod, `node/${nodeName}`] : [pod];
}
