import { RE2JS } from 're2js';
import type { VirtualHostJson } from '../proto/json.ts';

type MatchJson = NonNullable<NonNullable<VirtualHostJson['routes']>[number]['match']>;
export type HeaderMatcherJson = NonNullable<MatchJson['headers']>[number];
export type QueryMatcherJson = NonNullable<MatchJson['queryParameters']>[number];
export type TextMatcherJson = NonNullable<HeaderMatcherJson['stringMatch']>;

/** Matches a text: https://www.envoyproxy.io/docs/envoy/latest/api-v3/type/matcher/v3/string.proto */
export function matchesText(matcher: TextMatcherJson, text: string): boolean {
  const fold = (value: string) => (matcher.ignoreCase === true ? value.toLowerCase() : value);
  const value = fold(text);
  if (matcher.exact !== undefined) return value === fold(matcher.exact);
  if (matcher.prefix !== undefined) return value.startsWith(fold(matcher.prefix));
  if (matcher.suffix !== undefined) return value.endsWith(fold(matcher.suffix));
  if (matcher.contains !== undefined) return value.includes(fold(matcher.contains));
  return matcher.safeRegex !== undefined && matchesWhole(matcher.safeRegex.regex ?? '', text);
}

/** Reports whether an RE2 expression matches the whole text. */
export const matchesWhole = (expression: string, text: string): boolean => RE2JS.compile(expression).matches(text);

/**
 * Matches a header, or a pseudo-header such as `:method`. `value`: undefined for a missing one.
 * https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components.proto#config-route-v3-headermatcher
 */
export function matchesHeader(matcher: HeaderMatcherJson, value: string | undefined): boolean {
  const isInverted = matcher.invertMatch === true;
  if (matcher.presentMatch !== undefined) return ((value !== undefined) === matcher.presentMatch) !== isInverted;
  if (hasNoCondition(matcher)) return (value !== undefined) !== isInverted;
  const text = value ?? (matcher.treatMissingHeaderAsEmpty === true ? '' : undefined);
  return text !== undefined && meets(matcher, text) !== isInverted;
}

export function matchesQuery(matcher: QueryMatcherJson, value: string | undefined): boolean {
  if (matcher.presentMatch !== undefined) return (value !== undefined) === matcher.presentMatch;
  if (matcher.stringMatch === undefined) return value !== undefined;
  return value !== undefined && matchesText(matcher.stringMatch, value);
}

function meets(matcher: HeaderMatcherJson, text: string): boolean {
  if (matcher.stringMatch !== undefined) return matchesText(matcher.stringMatch, text);
  if (matcher.rangeMatch !== undefined) return isIn(matcher.rangeMatch, text);
  return matchesText(oldForm(matcher), text);
}

/** Returns the condition of the fields before `stringMatch`. */
function oldForm(matcher: HeaderMatcherJson): TextMatcherJson {
  const { exactMatch, prefixMatch, suffixMatch, containsMatch, safeRegexMatch } = matcher;
  return {
    ...(exactMatch === undefined ? {} : { exact: exactMatch }),
    ...(prefixMatch === undefined ? {} : { prefix: prefixMatch }),
    ...(suffixMatch === undefined ? {} : { suffix: suffixMatch }),
    ...(containsMatch === undefined ? {} : { contains: containsMatch }),
    ...(safeRegexMatch === undefined ? {} : { safeRegex: safeRegexMatch }),
  };
}

const hasNoCondition = (matcher: HeaderMatcherJson): boolean =>
  matcher.stringMatch === undefined && matcher.rangeMatch === undefined && Object.keys(oldForm(matcher)).length === 0;

/** The end of a range is not part of it. */
function isIn({ start = '0', end = '0' }: NonNullable<HeaderMatcherJson['rangeMatch']>, text: string): boolean {
  return /^[+-]?\d+$/.test(text) && Number(text) >= Number(start) && Number(text) < Number(end);
}
