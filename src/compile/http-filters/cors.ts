import { type CorsPlan, corsFilter } from '../../plan/route-filters.ts';
import type { CorsPolicyJson } from '../../proto/json.ts';
import { extension, fractionOf } from '../generators/json.ts';
import { stringMatcher } from '../generators/routes.ts';
import { httpFilterKind } from './kind.ts';

const message = 'envoy.extensions.filters.http.cors.v3';

export const cors = httpFilterKind(corsFilter, {
  write: () => extension(`${message}.Cors`, {}),
  writeForRoute: (plan) => extension(`${message}.CorsPolicy`, generatePolicy(plan)),
});

const generatePolicy = (plan: CorsPlan): CorsPolicyJson => ({
  allowOriginStringMatch: plan.origins.map(stringMatcher),
  ...list('allowMethods', plan.methods),
  ...list('allowHeaders', plan.headers),
  ...list('exposeHeaders', plan.exposedHeaders),
  ...(plan.maxAgeSeconds === null ? {} : { maxAge: String(plan.maxAgeSeconds) }),
  ...(plan.allowsCredentials === null ? {} : { allowCredentials: plan.allowsCredentials }),
  filterEnabled: { defaultValue: fractionOf(100) },
  forwardNotMatchingPreflights: plan.forwardsOthers,
});

const list = <Name extends string>(name: Name, values: readonly string[]): { [K in Name]?: string } =>
  values.length === 0 ? {} : ({ [name]: values.join(',') } as { [K in Name]?: string }); // a computed key widens to string
