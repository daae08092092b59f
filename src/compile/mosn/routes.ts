import { assertNever } from '../../lib/assert-never.ts';
import type { HeaderMatch, TextMatch, VirtualHostPlan } from '../../plan/route.ts';
import type { VirtualHostJson } from '../../proto/json.ts';
import { generateRoute, generateVirtualHostBody } from '../generators/routes.ts';
import { routerAlone } from '../http-filters/index.ts';

/** As Envoy's, but for conditions on headers: MOSN knows exact texts and regular expressions, in their older fields. */
export const generateMosnVirtualHostBody = ({ routes }: Pick<VirtualHostPlan, 'routes'>): VirtualHostJson => ({
  ...generateVirtualHostBody({ routes: [] }, routerAlone),
  routes: routes.map((plan) => {
    const route = generateRoute(plan, routerAlone);
    const { headers } = plan.match;
    return headers.length === 0 ? route : { ...route, match: { ...route.match, headers: headers.map(headerMatch) } };
  }),
});

/** `narrowForMosn` left no inverted ones. */
const headerMatch = ({ name, match }: HeaderMatch) => ({ name, ...mosnTextMatch(match) });

/** Its regular expressions are looked for anywhere in a value unless they say where they begin and end. */
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
