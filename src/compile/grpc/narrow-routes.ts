import { assertNever } from '../../lib/assert-never.ts';
import type {
  ForwardAction,
  HeaderChanges,
  HeaderMatch,
  RetryPlan,
  RouteAction,
  RouteMatch,
  VirtualHostPlan,
} from '../../plan/route.ts';
import type { PlanProblem } from '../../plan/unit.ts';
import { defaultRetries } from '../../rules/kinds/virtual-service/resolve-policies.ts';
import { rulesAmong } from '../resolve/origins.ts';

/** Reports a setting of a rule that gRPC clients do not support. */
type Report = (shortcoming: string) => void;

/**
 * Removes from routes what gRPC clients do not support (gRFC A28, A31, A44), and reports it to the rule. The remaining
 * routes have the same meaning. A route with an unsupported match is removed. A route with an unsupported action stays
 * and fails calls, which must not match other routes.
 */
export function narrowRoutes(host: VirtualHostPlan, problems: PlanProblem[]): VirtualHostPlan {
  const report: Report = (shortcoming) => {
    for (const origin of rulesAmong(host.origins)) problems.push({ origin, message: `gRPC clients ${shortcoming}` });
  };
  const routes = host.routes.flatMap((route) => {
    const matches = narrowMatch(route.match, report);
    if (matches.length === 0) return [];
    reportHeaders(route.headers, report);
    if (route.statPrefix !== '') report('have no statistics of a statPrefix');
    for (const { name } of route.perFilter) report(`do not know the filter ${name}`);
    const action = narrowAction(route.action, report);
    return matches.map((match) => ({ name: route.name, match, action, headers: null, statPrefix: '', perFilter: [] }));
  });
  return { ...host, routes };
}

/** Returns matches that together equal this one; none if it never holds. Calls have no query and are POST. */
function narrowMatch({ path, headers, query }: RouteMatch, report: Report): readonly RouteMatch[] {
  if (query.length > 0) return [];
  const conditions: HeaderMatch[] = [];
  for (const header of headers) {
    if (header.name === ':method') {
      const holds = holdsForPost(header);
      if (holds === null) report('cannot match methods by a regex: such routes are left out for them');
      if (holds !== true) return [];
    } else if (header.name.startsWith(':')) {
      report(`cannot match ${header.name.slice(1)}: such routes are left out for them`);
      return [];
    } else conditions.push(header);
  }
  const inverted = conditions.filter((header) => header.inverted && header.match.type !== 'present');
  if (inverted.length > mostInverted) {
    report(`match at most ${mostInverted} values of withoutHeaders: such routes are left out for them`);
    return [];
  }
  return spelledOut(conditions).map((alternative) => ({ path, headers: alternative, query: [] }));
}

/** Maximum number of inverted conditions. Each doubles the routes. */
const mostInverted = 4;

function holdsForPost({ match, inverted }: HeaderMatch): boolean | null {
  if (match.type === 'regex') return null;
  const holds =
    match.type === 'present' || (match.type === 'exact' ? match.value === 'POST' : 'POST'.startsWith(match.value));
  return holds !== inverted;
}

/**
 * Expands inverted conditions into alternatives. For most gRPC clients, a missing header does not meet a condition on
 * its value, inverted or not.
 */
function spelledOut([first, ...others]: readonly HeaderMatch[]): readonly (readonly HeaderMatch[])[] {
  if (first === undefined) return [[]];
  const missing: HeaderMatch = { name: first.name, match: { type: 'present' }, inverted: true };
  const own = first.inverted && first.match.type !== 'present' ? [missing, first] : [first];
  const rest = spelledOut(others);
  return own.flatMap((condition) => rest.map((conditions) => [condition, ...conditions]));
}

function narrowAction(action: RouteAction, report: Report): RouteAction {
  switch (action.type) {
    case 'forward':
      return narrowForward(action, report);
    case 'redirect':
      report('cannot be redirected: calls that match such a route fail');
      return action;
    case 'respond':
      report('cannot answer calls themselves: those that match directResponse fail');
      return action;
    default:
      return assertNever(action);
  }
}

function narrowForward(action: ForwardAction, report: Report): ForwardAction {
  if (action.rewritePath !== null) report('do not rewrite paths: servers see the method that was called');
  if (action.rewriteHost !== null) report('do not rewrite the authority');
  if (action.mirrors.length > 0) report('do not mirror calls');
  for (const { headers, rewriteHost } of action.targets) {
    reportHeaders(headers, report);
    if (rewriteHost !== null) report('do not rewrite the authority');
  }
  return {
    type: 'forward',
    targets: action.targets.map(({ destination, weight }) => ({
      destination,
      weight,
      headers: null,
      rewriteHost: null,
    })),
    timeoutMs: action.timeoutMs,
    retries: action.retries === null ? null : narrowRetries(action.retries, report),
    rewritePath: null,
    rewriteHost: null,
    mirrors: [],
    hashKeys: [],
  };
}

/** Values that gRPC accepts in `retry_on`: https://github.com/grpc/proposal/blob/master/A44-xds-retry.md */
const retriable = ['cancelled', 'deadline-exceeded', 'internal', 'resource-exhausted', 'unavailable'];

function narrowRetries(plan: RetryPlan, report: Report): RetryPlan | null {
  const requested = plan.retryOn.split(',');
  const supported = requested.filter((condition) => retriable.includes(condition));
  const unsupported = requested.filter((condition) => !retriable.includes(condition));
  if (plan.retryOn !== defaultRetries.retryOn && unsupported.length > 0) {
    report(`do not retry on ${unsupported.join(', ')}; they know ${retriable.join(', ')}`);
  }
  if (plan.perTryTimeoutMs !== null) report('have no perTryTimeout');
  if (plan.avoidPreviousLocalities) report('do not choose localities for retries');
  if (supported.length === 0) return null;
  const { attempts, backoffMs } = plan;
  const retryOn = supported.join(',');
  const without = { statusCodes: [], perTryTimeoutMs: null, avoidPreviousHosts: false, avoidPreviousLocalities: false };
  return { retryOn, attempts, backoffMs, ...without };
}

function reportHeaders(headers: HeaderChanges | null, report: Report): void {
  const changes = headers === null ? [] : [headers.request, headers.response];
  if (changes.some(({ set, add, remove }) => set.length + add.length + remove.length > 0)) {
    report('do not change headers');
  }
}
