import { err, ok, type Result } from '../../lib/result.ts';
import type { ProviderCondition } from './provider-condition.ts';
import type { CallCondition, CallMatch } from './rules.ts';
import { conditionPattern, type TextPattern } from './text-pattern.ts';

/** Values of one key in a condition. */
interface KeyValues {
  readonly key: string;
  readonly equal: readonly string[];
  readonly unequal: readonly string[];
}

/** Most alternatives that the lists of one condition may have. */
const maxAlternatives = 64;

/** Splits `a=1,2 & b!=3`, as Dubbo's pattern does. */
function parseKeys(text: string): Result<readonly KeyValues[], string> {
  const keys = new Map<string, { equal: string[]; unequal: string[] }>();
  let values: string[] | null = null;
  let current: { equal: string[]; unequal: string[] } | null = null;
  for (const [, separator = '', content = ''] of text.matchAll(/([&!=,]*)\s*([^&!=,\s]+)/g)) {
    if (separator === '' || separator === '&') {
      current = keys.get(content) ?? { equal: [], unequal: [] };
      keys.set(content, current);
      values = null;
    } else if (current !== null && (separator === '=' || separator === '!=')) {
      values = separator === '=' ? current.equal : current.unequal;
      values.push(content);
    } else if (separator === ',' && values !== null) values.push(content);
    else return err(`'${separator}' before '${content}' is not understood`);
  }
  const parsed = [...keys].map(([key, lists]) => ({ key, ...lists }));
  const bare = parsed.find(({ equal, unequal }) => equal.length + unequal.length === 0);
  return bare === undefined ? ok(parsed) : err(`'${bare.key}' has no value`);
}

/** Parses the left side: conditions on the caller and the call. Returns alternatives. */
export function parseWhen(text: string): Result<readonly CallMatch[], string> {
  if (text.trim() === '' || text.trim() === 'true') return ok([[]]);
  const keys = parseKeys(text);
  if (!keys.ok) return keys;
  let alternatives: readonly CallMatch[] = [[]];
  for (const values of keys.value) {
    const conditions = callConditions(values);
    if (!conditions.ok) return conditions;
    const { anyOf, all } = conditions.value;
    const options: readonly CallMatch[] = anyOf.length === 0 ? [[]] : anyOf.map((one) => [one]);
    alternatives = alternatives.flatMap((before) => options.map((option) => [...before, ...option, ...all]));
    if (alternatives.length > maxAlternatives) return err(`it has more than ${maxAlternatives} alternatives`);
  }
  return ok(alternatives);
}

interface CallConditions {
  readonly anyOf: readonly CallCondition[];
  readonly all: readonly CallCondition[];
}

function callConditions({ key, equal, unequal }: KeyValues): Result<CallConditions, string> {
  const place = placeOf(key);
  if (!place.ok) return place;
  const anyOf: CallCondition[] = [];
  const all: CallCondition[] = [];
  for (const [values, isNegated, list] of [
    [equal, false, anyOf],
    [unequal, true, all],
  ] as const)
    for (const value of values) {
      const pattern = patternFor(place.value, value, isNegated);
      if (!pattern.ok) return pattern;
      list.push({ ...place.value, pattern: pattern.value, isNegated });
    }
  // Dubbo compares only what is there: an absent attachment is not unequal.
  if (unequal.length > 0 && place.value.on === 'attachment')
    all.push({ ...place.value, pattern: { type: 'present' }, isNegated: false });
  return ok({ anyOf, all });
}

type Place = Pick<CallCondition, 'on' | 'key'>;

function placeOf(key: string): Result<Place, string> {
  if (key === 'method' || key === 'methods') return ok({ on: 'method', key: '' });
  const attachment = /^attachments\[([^\]]+)\]$/.exec(key)?.[1];
  if (attachment !== undefined) return ok({ on: 'attachment', key: attachment.toLowerCase() });
  if (/^arguments\b/.test(key)) return err(`conditions on arguments ('${key}') are not supported`);
  if (['host', 'ip', 'address', 'port'].includes(key))
    return err(`conditions on the address of the caller ('${key}') are not supported`);
  return ok({ on: 'caller', key });
}

function patternFor({ on, key }: Place, value: string, isNegated: boolean): Result<TextPattern, string> {
  const pattern = conditionPattern(value);
  if (!pattern.ok) return pattern;
  if (pattern.value.type === 'range') return err(`ranges of numbers ('${value}') are supported for instances only`);
  if (on === 'caller' && (isNegated || pattern.value.type !== 'exact'))
    return err(`the parameter '${key}' of callers is supported with equal values only`);
  return pattern;
}

/** Parses the right side: conditions on instances. Null: no instance. */
export function parseThen(text: string): Result<readonly ProviderCondition[] | null, string> {
  if (text.trim() === '' || text.trim() === 'false') return ok(null);
  const keys = parseKeys(text);
  if (!keys.ok) return keys;
  const conditions: ProviderCondition[] = [];
  for (const { key, equal, unequal } of keys.value) {
    if (/^(method|methods|arguments\b.*|attachments\b.*)$/.test(key)) return err(`instances have no '${key}'`);
    const lists: TextPattern[][] = [];
    for (const values of [equal, unequal]) {
      const patterns: TextPattern[] = [];
      for (const value of values) {
        const pattern = conditionPattern(value);
        if (!pattern.ok) return pattern;
        patterns.push(pattern.value);
      }
      lists.push(patterns);
    }
    const [anyOf = [], noneOf = []] = lists;
    conditions.push({ type: 'parameter', key: key === 'ip' ? 'host' : key, anyOf, noneOf });
  }
  return ok(conditions);
}

/** Sides of `when => then`. Without an arrow there is only the right one. */
export function splitCondition(text: string): { readonly left: string; readonly right: string } {
  const plain = text.replaceAll('consumer.', '').replaceAll('provider.', '');
  const at = plain.indexOf('=>');
  return at < 0 ? { left: '', right: plain } : { left: plain.slice(0, at), right: plain.slice(at + 2) };
}
