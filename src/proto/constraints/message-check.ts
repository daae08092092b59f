import { type DescField, type DescMessage, getOption, hasOption, type Message } from '@bufbuild/protobuf';
import { isWrapperDesc } from '@bufbuild/protobuf/wkt';
import {
  disabled,
  type FieldRules,
  MapRulesSchema,
  RepeatedRulesSchema,
  required,
  rules,
} from '#gen/validate/validate_pb.js';
import { allOf, checksOf, type RuleSet, type ValueCheck, valueCheck } from './value-rules.ts';

/** A violated constraint of a message, and its path: `routes[0].route.prefix_rewrite`. */
export interface Violation {
  readonly path: string;
  readonly what: string;
}

/** Returns the first violation in a message; null for none. */
export type MessageCheck = (message: Message) => Violation | null;

/** Checks the content of an Any. Its paths continue the path of the Any. */
export type AnyCheck = (any: Message) => Violation | null;

/**
 * Creates checks of the constraints in Envoy's .proto files (protoc-gen-validate). Each message type is compiled on
 * first use, to closures that read its fields.
 */
export function createMessageChecks(checkAny: AnyCheck): (type: DescMessage) => MessageCheck {
  const checks = new Map<DescMessage, MessageCheck>();
  const checkOf = (type: DescMessage): MessageCheck => {
    const known = checks.get(type);
    if (known !== undefined) return known;
    const check = type.typeName === 'google.protobuf.Any' ? checkAny : compile(type, checkOf);
    checks.set(type, check);
    return check;
  };
  return checkOf;
}

type CheckOf = (type: DescMessage) => MessageCheck;

function compile(type: DescMessage, checkOf: CheckOf): MessageCheck {
  if (hasOption(type, disabled) && getOption(type, disabled)) return () => null;
  const fields = type.fields.filter(({ oneof }) => oneof === undefined);
  const parts = [
    ...type.oneofs.flatMap((oneof) => oneofCheck(oneof, checkOf)),
    ...fields.flatMap((field) => fieldCheck(field, checkOf)),
  ];
  return (message) => {
    for (const part of parts) {
      const wrong = part(message);
      if (wrong !== null) return wrong;
    }
    return null;
  };
}

/** The protobuf runtime's form of a message, and of a oneof in it. */
type Fields = Readonly<Record<string, unknown>>;
interface Oneof {
  readonly case: string | undefined;
  readonly value?: unknown;
}

const fieldsOf = (message: Message) => message as unknown as Fields; // a message is an object of its fields

function oneofCheck(oneof: DescMessage['oneofs'][number], checkOf: CheckOf): readonly MessageCheck[] {
  const { localName, name } = oneof;
  const isNeeded = hasOption(oneof, required) && getOption(oneof, required);
  const names = oneof.fields.map((field) => field.name).join(', ');
  const missing = isNeeded ? { path: name, what: `one of ${names} must be set` } : null;
  const checks = new Map<string | undefined, { readonly name: string; readonly check: ContentCheck }>();
  for (const field of oneof.fields) {
    const check = contentCheck(field, ownRules(field), checkOf);
    if (check !== null) checks.set(field.localName, { name: field.name, check });
  }
  if (missing === null && checks.size === 0) return [];
  return [
    (message) => {
      const chosen = fieldsOf(message)[localName] as Oneof; // see Fields
      if (chosen.case === undefined) return missing;
      const found = checks.get(chosen.case);
      return found === undefined ? null : within(found.name, found.check(chosen.value));
    },
  ];
}

const ownRules = (field: DescField): FieldRules | null => (hasOption(field, rules) ? getOption(field, rules) : null);

function fieldCheck(field: DescField, checkOf: CheckOf): readonly MessageCheck[] {
  const { name, localName } = field;
  const own = ownRules(field);
  const inner = contentCheck(field, own, checkOf);
  const missing = own !== null && isRequired(own) ? { path: name, what: 'must be set' } : null;
  if (inner === null && missing === null) return [];
  return [
    (message) => {
      const value = fieldsOf(message)[localName];
      if (value === undefined) return missing;
      return inner === null ? null : within(name, inner(value));
    },
  ];
}

function isRequired({ message, type }: FieldRules): boolean {
  if (message?.required === true) return true;
  return (type.case === 'duration' || type.case === 'any') && type.value.required;
}

/** Checks a value that is set. An empty path means the field itself. */
type ContentCheck = (value: unknown) => Violation | null;

function contentCheck(field: DescField, own: FieldRules | null, checkOf: CheckOf): ContentCheck | null {
  if (own?.message?.skip === true) return ownCheck(own, field);
  switch (field.fieldKind) {
    case 'list':
      return listCheck(field, own, checkOf);
    case 'map':
      return mapCheck(field, own, checkOf);
    default:
      return both(ownCheck(own, field), messageCheck(field, checkOf));
  }
}

/**
 * Checks a field by its own rules. Rules of numbers also apply to wrapper messages, which the runtime unwraps except in
 * a oneof.
 */
function ownCheck(own: FieldRules | null, field: DescField): ContentCheck | null {
  const check = own === null ? null : located(valueCheck(own, field.enum));
  const isWrapped = field.message !== undefined && isWrapperDesc(field.message);
  if (check === null || !isWrapped || (field.fieldKind === 'message' && field.oneof === undefined)) return check;
  return (value) => check((value as { readonly value: unknown }).value); // the field's type
}

/** Types without rules that occur often. */
const plainTypes = new Set(['google.protobuf.Duration', 'google.protobuf.Struct', 'google.protobuf.Timestamp']);

const messageCheck = ({ message }: DescField, checkOf: CheckOf): ContentCheck | null => {
  if (message === undefined || isWrapperDesc(message) || plainTypes.has(message.typeName)) return null;
  let check: MessageCheck | null = null;
  return (value) => {
    check ??= checkOf(message); // on first use: most types that a message may contain never occur
    return check(value as Message); // the field's type
  };
};

function listCheck(
  field: DescField & { fieldKind: 'list' },
  own: FieldRules | null,
  checkOf: CheckOf,
): ContentCheck | null {
  const type = own?.type.case === 'repeated' ? own.type.value : null;
  const whole = type === null ? null : located(allOf(checksOf(repeatedRules, type)));
  const item = both(
    type?.items === undefined ? null : ownCheck(type.items, field),
    type?.items?.message?.skip === true ? null : messageCheck(field, checkOf),
  );
  const items: ContentCheck | null =
    item === null
      ? null
      : (value) => {
          for (const [index, one] of (value as readonly unknown[]).entries()) {
            const wrong = item(one);
            if (wrong !== null) return within(`[${index}]`, wrong);
          }
          return null;
        };
  return both(whole, items);
}

function mapCheck(
  field: DescField & { fieldKind: 'map' },
  own: FieldRules | null,
  checkOf: CheckOf,
): ContentCheck | null {
  const type = own?.type.case === 'map' ? own.type.value : null;
  const whole = type === null ? null : located(allOf(checksOf(mapRules, type)));
  const key = type?.keys === undefined ? null : ownCheck(type.keys, field);
  const item = both(type?.values === undefined ? null : ownCheck(type.values, field), messageCheck(field, checkOf));
  if (key === null && item === null) return whole;
  return both(whole, (value) => {
    for (const [name, one] of Object.entries(value as object)) {
      const wrong = key?.(name) ?? item?.(one) ?? null;
      if (wrong !== null) return within(`[${JSON.stringify(name)}]`, wrong);
    }
    return null;
  });
}

const count = (value: unknown): number => (Array.isArray(value) ? value.length : Object.keys(value as object).length);

const repeatedRules: RuleSet = {
  schema: RepeatedRulesSchema,
  rules: {
    min_items: (least) => (list) => (count(list) >= Number(least) ? null : `must have at least ${least} items`),
    max_items: (most) => (list) => (count(list) <= Number(most) ? null : `must have at most ${most} items`),
    unique: (isOn) => (list) =>
      isOn === true && new Set(list as readonly unknown[]).size < count(list) ? 'must have no item twice' : null,
    items: () => null,
    ignore_empty: () => null,
  },
};

const mapRules: RuleSet = {
  schema: MapRulesSchema,
  rules: {
    min_pairs: (least) => (map) => (count(map) >= Number(least) ? null : `must have at least ${least} entries`),
    max_pairs: (most) => (map) => (count(map) <= Number(most) ? null : `must have at most ${most} entries`),
    keys: () => null,
    values: () => null,
  },
};

const located = (check: ValueCheck | null): ContentCheck | null =>
  check === null
    ? null
    : (value) => {
        const what = check(value);
        return what === null ? null : { path: '', what };
      };

function both(first: ContentCheck | null, second: ContentCheck | null): ContentCheck | null {
  if (first === null || second === null) return first ?? second;
  return (value) => first(value) ?? second(value);
}

/** Prepends a step to the path of a violation. */
function within(step: string, wrong: Violation | null): Violation | null {
  if (wrong === null) return null;
  const { path, what } = wrong;
  return { path: path === '' || path.startsWith('[') ? `${step}${path}` : `${step}.${path}`, what };
}
