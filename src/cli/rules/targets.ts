import { usageError } from '../failure.ts';
import { findKinds, type ServedKind } from './kinds.ts';

/** Objects that the words of a command name. */
export interface ObjectTarget {
  readonly kind: ServedKind;
  /** Names; null for all objects of the kind. */
  readonly names: readonly string[] | null;
}

/** Parses `KIND [NAME …]`, `KIND,KIND`, `KIND/NAME …`. Throws CONFIG_INVALID for anything else. */
export function readTargets(words: readonly string[], served: readonly ServedKind[]): readonly ObjectTarget[] {
  const [first, ...names] = words;
  if (first === undefined) throw usageError(`name a kind: ${served.map(({ plural }) => plural).join(', ')}, or all`);
  if (words.some((word) => word.includes('/'))) return words.map((word) => pairOf(word, served));
  const kinds = findKinds(first, served);
  if (kinds.length > 1 && names.length > 0) throw usageError('names go with one kind: write kind/name for each');
  return kinds.map((kind) => ({ kind, names: names.length === 0 ? null : names }));
}

/** Parses the words of a command about one object: `KIND NAME` or `KIND/NAME`. */
export function readTarget(
  words: readonly string[],
  served: readonly ServedKind[],
): { kind: ServedKind; name: string } {
  const [target, ...more] = words.length === 0 ? [] : readTargets(words, served);
  const [name, ...others] = target?.names ?? [];
  if (target === undefined || name === undefined || more.length > 0 || others.length > 0) {
    throw usageError('name one object: KIND NAME, such as virtualservice reviews');
  }
  return { kind: target.kind, name };
}

function pairOf(word: string, served: readonly ServedKind[]): ObjectTarget {
  const [kindWord = '', name = '', ...rest] = word.split('/');
  const [kind, ...others] = kindWord === '' ? [] : findKinds(kindWord, served);
  if (kind === undefined || name === '' || rest.length > 0 || others.length > 0) {
    throw usageError(`"${word}" must be KIND/NAME, as every word must be when one is`);
  }
  return { kind, names: [name] };
}
