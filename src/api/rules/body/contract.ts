import type { Result } from '../../../lib/result.ts';

export type BodyFormat = 'json' | 'yaml' | 'protobuf';

/**
 * Expected content: `one` is a single value; `many` is objects and lists of objects, as one JSON text or as YAML
 * documents.
 */
export type BodyShape = 'one' | 'many';

type Path = readonly PropertyKey[];

/** Value of a body. */
export interface BodyItem {
  readonly value: unknown;
  /** Number of its YAML document, from 1; 1 for JSON. */
  readonly document: number;
  /** Paths of duplicate keys, relative to the value. Parsers silently keep the last one. */
  readonly duplicates: readonly Path[];
}

/** Values, or the reason why the body cannot be read, worded for its author. */
export type BodyResult = Result<readonly BodyItem[], string>;

/** Maximum nesting. It bounds the recursion of code that walks a value. */
export const maxDepth = 100;

/** Maximum number of duplicate keys that are reported. */
export const maxDuplicates = 100;

/** Reason why a body cannot be read, worded for its author. */
export class BodyError extends Error {
  override readonly name = 'BodyError';
}
