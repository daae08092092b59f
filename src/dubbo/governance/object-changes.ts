import type { RawObject } from '../../model/object.ts';

/** Change of the rules of the mesh that a service's rules of Dubbo became. */
export type RoutingChange =
  | { readonly type: 'object'; readonly object: RawObject }
  | { readonly type: 'object-removed'; readonly kind: string; readonly namespace: string; readonly name: string };

/** Lists what leads from the former objects of a service to the current ones. */
export function objectChanges(former: readonly RawObject[], current: readonly RawObject[]): readonly RoutingChange[] {
  const known = new Map(former.map((object) => [objectIdOf(object), JSON.stringify(object)]));
  const ids = new Set(current.map(objectIdOf));
  return [
    ...current
      .filter((object) => known.get(objectIdOf(object)) !== JSON.stringify(object))
      .map((object) => ({ type: 'object', object }) as const),
    ...former
      .filter((object) => !ids.has(objectIdOf(object)))
      .map(({ kind, metadata: { namespace, name } }) => ({ type: 'object-removed', kind, namespace, name }) as const),
  ];
}

const objectIdOf = ({ kind, metadata: { namespace, name } }: RawObject): string => `${kind}/${namespace}/${name}`;
