import { assertNever } from '../../lib/assert-never.ts';
import type { ForwardAction, HeaderMatch, RouteMatch, RoutePlan, VirtualHostPlan } from '../../plan/route.ts';
import type { VirtualHostJson } from '../../proto/json.ts';
import { durationFromMs } from '../generators/json.ts';
import { generateRetries, pathMatch, textMatch } from '../generators/routes.ts';

type RouteJson = NonNullable<VirtualHostJson['routes']>[number];

/** Generates a virtual host without name and domains, of routes that `narrowRoutes` returned. */
export const generateGrpcVirtualHostBody = ({ routes }: Pick<VirtualHostPlan, 'routes'>): VirtualHostJson => ({
  routes: routes.map(generateGrpcRoute),
});

function generateGrpcRoute({ name, match, action }: RoutePlan): RouteJson {
  const head = { ...(name === '' ? {} : { name }), match: generateGrpcMatch(match) };
  switch (action.type) {
    case 'forward':
      return { ...head, route: generateForward(action) };
    case 'redirect':
    case 'respond':
      return { ...head, ...failing };
    default:
      return assertNever(action);
  }
}

/** Action for servers only: clients fail matching calls. They reject or skip routes with unknown actions. */
const failing = { nonForwardingAction: {} } satisfies RouteJson;

const generateGrpcMatch = ({ path, headers }: RouteMatch): NonNullable<RouteJson['match']> => ({
  ...pathMatch(path),
  ...(headers.length === 0 ? {} : { headers: headers.map(generateHeaderMatch) }),
});

const generateHeaderMatch = ({ name, match, inverted }: HeaderMatch) => ({
  name,
  ...textMatch(match),
  ...(inverted ? { invertMatch: true } : {}),
});

function generateForward({ targets, timeoutMs, retries }: ForwardAction): NonNullable<RouteJson['route']> {
  const [first, ...others] = targets;
  return {
    ...(first !== undefined && others.length === 0
      ? { cluster: first.destination }
      : {
          weightedClusters: { clusters: targets.map(({ destination, weight }) => ({ name: destination, weight })) },
        }),
    ...(timeoutMs === 0 ? {} : { maxStreamDuration: { maxStreamDuration: durationFromMs(timeoutMs) } }),
    ...(retries === null ? {} : { retryPolicy: generateRetries(retries) }),
  };
}
