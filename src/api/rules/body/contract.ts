import type { Result } from '../../../lib/result.ts';

export type BodyFormat = 'json' | 'yaml' | 'protobuf';

/** `one` is any single value; `many` is objects and lists of objects, in one JSON text or in a stream of YAML documents. */
export type BodyShape = 'one' | 'many';

type Path = readonly PropertyKey[];

/** One value of a body. */
export interface BodyItem {
  readonly value: unknown;
  /** The YAML document that it stands in, counted from 1; 1 for JSON. */
  readonly document: number;
  /** Keys that stand twice in their map, as paths below the value: a parser keeps the last and says nothing. */
  readonly duplicates: readonly Path[];
}

/** The values, or in words for their author why the body cannot be read. */
export type BodyResult = Result<readonly BodyItem[], string>;

/** Deeper nesting is an attack or a mistake; what walks a value may recurse. */
export const maxDepth = 100;

/** More would not be read. */
export const maxDuplicates = 100;

/** Why a body cannot be read, in words for its author. */
export class BodyError extends Error {
  override readonly name = 'BodyError';
}
