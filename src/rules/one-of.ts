import type { z } from 'zod';

/**
 * An object that may set at most one of `names`. Its JSON schema expresses this as `oneOf`, in the form of the
 * published CRDs.
 */
export const atMostOneOf = <Type extends z.ZodObject>(object: Type, names: readonly FieldOf<Type>[]): Type =>
  withGroup(object, names, { required: false });

/** An object that must set exactly one of `names`; see `atMostOneOf`. */
export const exactlyOneOf = <Type extends z.ZodObject>(object: Type, names: readonly FieldOf<Type>[]): Type =>
  withGroup(object, names, { required: true });

type FieldOf<Type extends z.ZodObject> = keyof Type['shape'] & string;

function withGroup<Type extends z.ZodObject>(object: Type, names: readonly string[], { required }: OneOfGroup): Type {
  const listed = `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
  const message = required ? `exactly one of ${listed} must be set` : `only one of ${listed} may be set`;
  const checked = object.refine((value) => {
    const set = names.filter((name) => value[name] !== undefined).length;
    return required ? set === 1 : set <= 1;
  }, message);
  const anyOf = names.map((name) => ({ required: [name] }));
  return checked.meta(together(object.meta(), { oneOf: required ? anyOf : [{ not: { anyOf } }, ...anyOf] }));
}

interface OneOfGroup {
  readonly required: boolean;
}

/** Combines two groups of one object: both `oneOf` must hold. */
function together(earlier: Readonly<Record<string, unknown>> | undefined, group: { oneOf: readonly unknown[] }) {
  if (earlier === undefined) return group;
  const { oneOf, allOf, ...rest } = earlier;
  if (oneOf === undefined && allOf === undefined) return { ...rest, ...group };
  return { ...rest, allOf: [...(Array.isArray(allOf) ? allOf : [{ oneOf }]), group] };
}
