import { z } from 'zod';
import { err, ok, type Result } from '../../lib/result.ts';
import { type AddressPattern, parseAddressPattern } from './address-pattern.ts';
import { globPattern, regexPattern, type TextPattern } from './text-pattern.ts';

/** Text of YAML that may look like a number or a boolean. */
export const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String);

const stringMatch = z.strictObject({
  exact: scalar.optional(),
  prefix: scalar.optional(),
  regex: scalar.optional(),
  noempty: scalar.optional(),
  empty: scalar.optional(),
  wildcard: scalar.optional(),
});

const addressMatch = z.strictObject({ wildcard: scalar.optional(), cird: scalar.optional(), exact: scalar.optional() });

export const parameterMatches = z.array(z.strictObject({ key: scalar, value: stringMatch }));

/** Condition of Dubbo 3 on instances: `match` of a configurator. */
export const instanceMatch = z.strictObject({
  address: addressMatch.nullish(),
  providerAddress: addressMatch.nullish(),
  service: z.strictObject({ oneof: z.array(stringMatch) }).nullish(),
  app: z.strictObject({ oneof: z.array(stringMatch) }).nullish(),
  application: z.strictObject({ oneof: z.array(stringMatch) }).nullish(),
  param: parameterMatches.nullish(),
});

/** Converts a match of a text: the first condition that is there counts, as in Dubbo. */
export function toTextPattern(match: z.infer<typeof stringMatch>): Result<TextPattern, string> {
  const { exact, prefix, regex, wildcard, empty, noempty } = match;
  if (exact !== undefined) return ok({ type: 'exact', value: exact });
  if (prefix !== undefined) return ok({ type: 'glob', before: prefix, after: '' });
  if (regex !== undefined) return regexPattern(regex);
  if (wildcard !== undefined) return ok(globPattern(wildcard));
  if (empty !== undefined) return ok({ type: 'absent' });
  if (noempty !== undefined) return ok({ type: 'present' });
  return err('a match names no condition');
}

/** Converts a match of an address. */
export function toAddressPattern(match: z.infer<typeof addressMatch>): Result<AddressPattern, string> {
  const text = match.cird ?? match.wildcard ?? match.exact;
  return text === undefined ? err('a match names no address') : parseAddressPattern(text);
}

/** Returns the values of results, or the first error. */
export function everyValue<Value>(results: readonly Result<Value, string>[]): Result<readonly Value[], string> {
  const values: Value[] = [];
  for (const result of results) {
    if (!result.ok) return result;
    values.push(result.value);
  }
  return ok(values);
}

/** Describes the first mistake of a document. */
export function firstIssue({ issues: [issue] }: z.ZodError): string {
  const path = (issue?.path ?? [])
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('');
  return `${path.replace(/^\./, '') || 'the document'}: ${issue?.message ?? 'is wrong'}`;
}
