import type { DescEnum, DescMessage, Message } from '@bufbuild/protobuf';
import { isReflectMessage, type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import {
  AnyRulesSchema,
  BoolRulesSchema,
  BytesRulesSchema,
  DoubleRulesSchema,
  DurationRulesSchema,
  EnumRulesSchema,
  type FieldRules,
  FloatRulesSchema,
  Int32RulesSchema,
  Int64RulesSchema,
  KnownRegex,
  StringRulesSchema,
  UInt32RulesSchema,
  UInt64RulesSchema,
} from '#gen/validate/validate_pb.js';

/** Describes what is wrong with a value, in words that follow the name of its field; null for nothing. */
export type ValueCheck = (value: unknown) => string | null;

/**
 * Returns the check of a field's rules for a value: a scalar, an enum, a duration, an Any. Null when there is nothing
 * to check. Throws for an unknown rule, so that none is skipped; a test compiles the rules of every generated message.
 */
export function valueCheck({ type }: FieldRules, enumeration: DescEnum | undefined): ValueCheck | null {
  if (type.case === undefined || type.case === 'repeated' || type.case === 'map') return null;
  const set = ruleSets[type.case];
  if (set === undefined) throw new Error(`constraints of type ${type.case} are not known`);
  return allOf(checksOf(set, type.value, enumeration));
}

/** The rules of one type of values, by their names in validate.proto. */
export interface RuleSet {
  readonly schema: DescMessage;
  readonly rules: Readonly<Record<string, ConstraintRule>>;
}

/** Creates the check of a rule; null for a rule that others read. */
type ConstraintRule = (argument: unknown, context: RuleContext) => ValueCheck | null;

interface RuleContext {
  readonly rules: ReflectMessage;
  readonly enumeration: DescEnum | undefined;
}

/** Returns one check for each rule that is set. */
export function checksOf(set: RuleSet, message: Message, enumeration?: DescEnum): readonly ValueCheck[] {
  const rules = reflect(set.schema, message);
  const checks = rules.fields.flatMap((field) => {
    if (!rules.isSet(field)) return [];
    const rule = set.rules[field.name];
    if (rule === undefined) throw new Error(`constraint ${field} is not known`);
    const argument = rules.get(field);
    const check = rule(isReflectMessage(argument) ? argument.message : argument, { rules, enumeration });
    return check === null ? [] : [check];
  });
  return Reflect.get(message, 'ignoreEmpty') === true ? checks.map(unlessEmpty) : checks;
}

/** Combines checks: returns the first violation. */
export function allOf(checks: readonly ValueCheck[]): ValueCheck | null {
  const [first, ...others] = checks;
  if (first === undefined || others.length === 0) return first ?? null;
  return (value) => {
    for (const check of checks) {
      const wrong = check(value);
      if (wrong !== null) return wrong;
    }
    return null;
  };
}

const unlessEmpty =
  (check: ValueCheck): ValueCheck =>
  (value) =>
    lengthOfValue(value) === 0 ? null : check(value);

/** Length of a text, a list or bytes. */
const lengthOfValue = (value: unknown): number => (value as { readonly length: number }).length; // these rules occur only on such fields

const check =
  (isRight: (value: unknown) => boolean, what: string): ValueCheck =>
  (value) =>
    isRight(value) ? null : what;

const readByAnother: ConstraintRule = () => null;

/** Casts for comparison: numbers of one field are all `number` or all `bigint`. */
const numeric = (value: unknown) => value as number; // or bigint, see above

const numberRules = {
  const: (want) => check((value) => value === want, `must be ${want}`),
  lt: (limit) => check((value) => numeric(value) < numeric(limit), `must be less than ${limit}`),
  lte: (limit) => check((value) => numeric(value) <= numeric(limit), `must be at most ${limit}`),
  gt: (limit) => check((value) => numeric(value) > numeric(limit), `must be more than ${limit}`),
  gte: (limit) => check((value) => numeric(value) >= numeric(limit), `must be at least ${limit}`),
} satisfies Record<string, ConstraintRule>;

/** Seconds of a duration, for comparison. */
const seconds = (value: unknown): number => {
  const { seconds: whole, nanos } = value as { readonly seconds: bigint; readonly nanos: number }; // a google.protobuf.Duration
  return Number(whole) + nanos / 1e9;
};
const durationRules = Object.fromEntries(
  Object.entries(numberRules).map(([name, rule]): [string, ConstraintRule] => [
    name,
    (limit) => {
      const inner = rule(seconds(limit));
      return (value) => {
        const wrong = inner(seconds(value));
        return wrong === null ? null : `${wrong}s`;
      };
    },
  ]),
);

const listOf = (value: unknown): readonly unknown[] => [...(value as Iterable<unknown>)]; // reflection's list

const membership = {
  in: (list) => check((value) => listOf(list).includes(value), `must be one of ${listOf(list).join(', ')}`),
  not_in: (list) => check((value) => !listOf(list).includes(value), `must be none of ${listOf(list).join(', ')}`),
} satisfies Record<string, ConstraintRule>;

const text = (value: unknown): string => value as string; // rules of strings occur only on such fields
const characters = (value: unknown): number => [...text(value)].length;

const sizes = {
  min_len: (least) => check((value) => lengthOfValue(value) >= Number(least), `must have at least ${least} bytes`),
  max_len: (most) => check((value) => lengthOfValue(value) <= Number(most), `must have at most ${most} bytes`),
} satisfies Record<string, ConstraintRule>;

const stringRules = {
  ...membership,
  const: numberRules.const,
  min_len: (least) =>
    least === 1n
      ? check((value) => value !== '', 'must not be empty')
      : check((value) => characters(value) >= Number(least), `must have at least ${least} characters`),
  max_len: (most) => check((value) => characters(value) <= Number(most), `must have at most ${most} characters`),
  max_bytes: (most) =>
    check((value) => Buffer.byteLength(text(value)) <= Number(most), `must have at most ${most} bytes`),
  pattern: (pattern) => {
    const expression = new RegExp(text(pattern), 'u');
    return check((value) => expression.test(text(value)), `must match ${expression.source}`);
  },
  well_known_regex: (known, { rules }) => {
    const isStrict = Reflect.get(rules.message, 'strict') !== false;
    const { expression, what } = knownExpression(known as KnownRegex, isStrict); // the field's type
    return check((value) => expression.test(text(value)), what);
  },
  strict: readByAnother,
  ignore_empty: readByAnother,
} satisfies Record<string, ConstraintRule>;

/** Returns the expression of protoc-gen-validate, which uses one for both when it is not strict. */
function knownExpression(known: KnownRegex, isStrict: boolean): { readonly expression: RegExp; readonly what: string } {
  if (!isStrict) return { expression: /^[^\0\n\r]*$/, what: 'must be one line' };
  switch (known) {
    case KnownRegex.HTTP_HEADER_NAME:
      return { expression: /^:?[0-9a-zA-Z!#$%&'*+\-.^_|~`]+$/, what: 'must be the name of a header' };
    case KnownRegex.HTTP_HEADER_VALUE:
      return { expression: /^(\t|\P{Cc}|[\x80-\x9f])*$/u, what: 'must be the value of a header' };
    default:
      throw new Error(`the known expression ${known} is not known`);
  }
}

const enumRules = {
  ...membership,
  const: numberRules.const,
  defined_only: (isOn, { enumeration }) => {
    if (isOn !== true || enumeration === undefined) return null;
    const numbers = new Set<unknown>(enumeration.values.map(({ number }) => number));
    return check((value) => numbers.has(value), `must be a value of ${enumeration.name}`);
  },
} satisfies Record<string, ConstraintRule>;

const ruleSets: Readonly<Partial<Record<NonNullable<FieldRules['type']['case']>, RuleSet>>> = {
  float: { schema: FloatRulesSchema, rules: { ...numberRules, ...membership } },
  double: { schema: DoubleRulesSchema, rules: { ...numberRules, ...membership } },
  int32: { schema: Int32RulesSchema, rules: { ...numberRules, ...membership } },
  int64: { schema: Int64RulesSchema, rules: { ...numberRules, ...membership } },
  uint32: { schema: UInt32RulesSchema, rules: { ...numberRules, ...membership } },
  uint64: { schema: UInt64RulesSchema, rules: { ...numberRules, ...membership } },
  bool: { schema: BoolRulesSchema, rules: { const: numberRules.const } },
  string: { schema: StringRulesSchema, rules: stringRules },
  bytes: { schema: BytesRulesSchema, rules: { ...sizes, ignore_empty: readByAnother } },
  enum: { schema: EnumRulesSchema, rules: enumRules },
  duration: { schema: DurationRulesSchema, rules: { ...durationRules, required: readByAnother } },
  any: { schema: AnyRulesSchema, rules: { required: readByAnother } },
};
