import { formatPatch, OMIT_HEADERS, structuredPatch } from 'diff';

export interface DiffSides {
  readonly before: string;
  readonly after: string;
  /** Names after `---` and `+++`. */
  readonly names: readonly [before: string, after: string];
}

/** Returns the unified diff of two texts; empty if they are equal. */
export function unifiedDiff({ before, after, names }: DiffSides): string {
  if (before === after) return '';
  const patch = structuredPatch('', '', before, after, undefined, undefined, { context: 3, timeout: 5_000 });
  const head = `--- ${names[0]}\n+++ ${names[1]}\n`; // the package would escape all letters but ASCII's
  return `${head}${patch === undefined ? '(too different to be compared line by line)\n' : formatPatch(patch, OMIT_HEADERS)}`;
}
