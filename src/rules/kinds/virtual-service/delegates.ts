import type { HttpRouteSpec } from './http-schema.ts';
import type { VirtualService } from './index.ts';
import { joined, mergeMatches } from './merge-matches.ts';
import type { RouteContext, RulePart } from './route-context.ts';

/** HTTP route with the rules that its parts come from. Fields of a delegate and of its root may be mixed. */
export interface RoutedSpec {
  readonly spec: HttpRouteSpec;
  readonly parts: {
    /** The route itself: `spec.http[0]`. */
    readonly route: RulePart;
    /** Its field `mirror`. */
    readonly mirror: RulePart;
    /** The route that has its `mirrors`. */
    readonly mirrors: RulePart;
  };
}

type Delegations = Pick<RouteContext, 'virtualService' | 'isExportedTo' | 'report'>;

/** Returns the HTTP routes of a rule. The routes of a delegate replace the route that names it. */
export const delegatedRoutes = (rule: VirtualService, context: Delegations): readonly RoutedSpec[] =>
  (rule.spec.http ?? []).flatMap((spec, index) => {
    const own = routedSpec(spec, { rule, path: `spec.http[${index}]` });
    return spec.delegate === undefined ? [own] : routesOfDelegate(own, spec.delegate, context);
  });

const routedSpec = (spec: HttpRouteSpec, route: RulePart): RoutedSpec => ({
  spec,
  parts: { route, mirror: { ...route, path: `${route.path}.mirror` }, mirrors: route },
});

function routesOfDelegate(
  root: RoutedSpec,
  { name = '', namespace }: NonNullable<HttpRouteSpec['delegate']>,
  context: Delegations,
): readonly RoutedSpec[] {
  const { rule, path } = root.parts.route;
  const delegate = findDelegate({ name, namespace: namespace || rule.metadata.namespace }, rule, context);
  if (typeof delegate === 'string') {
    context.report({ rule, path: `${path}.delegate` }, delegate);
    return [];
  }
  return (delegate.spec.http ?? []).flatMap((spec, index) => {
    const part = { rule: delegate, path: `spec.http[${index}]` };
    const merged = mergeRoutes(root, routedSpec(spec, part));
    if (merged !== null) return [merged];
    const { namespace: place, name: rootName } = rule.metadata;
    context.report(part, `no part of ${path} of VirtualService ${place}/${rootName}: it has no effect there`);
    return [];
  });
}

/** Returns a delegate, or the reason why it cannot be used. */
function findDelegate(
  { namespace, name }: { readonly namespace: string; readonly name: string },
  root: VirtualService,
  { virtualService, isExportedTo }: Delegations,
): VirtualService | string {
  const found = virtualService(namespace, name);
  if (found === null) return `there is no VirtualService ${namespace}/${name}`;
  if ((found.spec.hosts ?? []).length > 0) return `VirtualService ${namespace}/${name} has hosts, so it is no delegate`;
  const clients = root.metadata.namespace;
  return isExportedTo(found, clients) ? found : `VirtualService ${namespace}/${name} is not exported to ${clients}`;
}

/** Merges a delegate's route with the route that delegates. Returns null if no match of one lies within the other. */
function mergeRoutes(root: RoutedSpec, own: RoutedSpec): RoutedSpec | null {
  const match = mergeMatches(root.spec.match ?? [], own.spec.match ?? []);
  if (match === null) return null;
  const { delegate: _, match: __, route: ___, name: rootName, ...inherited } = root.spec;
  const name = joined(rootName, own.spec.name);
  return {
    spec: { ...inherited, ...withoutUndefined(own.spec), match, ...(name === undefined ? {} : { name }) },
    parts: {
      route: own.parts.route,
      mirror: own.spec.mirror === undefined ? root.parts.mirror : own.parts.mirror,
      mirrors: own.spec.mirrors === undefined ? root.parts.mirrors : own.parts.mirrors,
    },
  };
}

const withoutUndefined = <T extends object>(object: T): T =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T; // absent is undefined
