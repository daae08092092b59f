import { assertNever } from '../../lib/assert-never.ts';
import type { HeaderMatch, TextMatch, VirtualHostPlan } from '../../plan/route.ts';
import type { VirtualHostJson } from '../../proto/json.ts';
import { generateRoute, generateVirtualHostBody } from '../generators/routes.ts';
import { routerAlone } from '../http-filters/index.ts';

/**
 * Generates the body of a virtual host. It differs from Envoy's in conditions on headers: MOSN knows exact texts and
 * regular expressions, in older fields.
 */
export const generateMosnVirtualHostBody = ({ routes }: Pick<VirtualHostPlan, 'routes'>): VirtualHostJson => ({
  ...generateVirtualHostBody({ routes: [] }, routerAlone),
  routes: routes.map((plan) => {
    const route = generateRoute(plan, routerAlone);
    const { headers } = plan.match;
    return headers.length === 0 ? route : { ...route, match: { ...route.match, headers: headers.map(headerMatch) } };
  }),
});

/** Generates a header condition. `narrowForMosn` has removed inverted ones. */
const headerMatch = ({ name, match }: HeaderMatch) => ({ name, ...mosnTextMatch(match) });

/** Generates a text condition. MOSN searches regular expressions anywhere in a value unless they are anchored. */
function mosnTextMatch(match: TextMatch) {
  switch (match.type) {
    case 'exact':
      return { exactMatch: match.value };
    case 'regex':
      return { safeRegexMatch: { regex: `^(?:${match.value})$` } };
    case 'prefix':
      return { safeRegexMatch: { regex: `^${match.value.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}` } };
    case 'present':
      return { safeRegexMatch: { regex: '.*' } };
    default:
      return assertNever(match);
  }
}
