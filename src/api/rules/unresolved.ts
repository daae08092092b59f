import { startSlices } from '../../lib/slices.ts';
import type { Rule } from '../../rules/rule.ts';
import type { CheckedObject } from './objects/read-object.ts';
import type { RulesApiOptions } from './options.ts';

/**
 * Lists the unresolved references of each object, worded for its author. Objects that are written together may refer to
 * each other.
 */
export async function unresolvedIn(
  objects: readonly CheckedObject[],
  { unresolved }: Pick<RulesApiOptions, 'unresolved'>,
): Promise<readonly (readonly string[])[]> {
  if (unresolved === null) return objects.map(() => []);
  const rules = objects.map(ruleOf);
  const check = unresolved(rules);
  const slices = startSlices();
  const found: (readonly string[])[] = [];
  for (const rule of rules) {
    found.push(check(rule));
    if (slices.isOver) await slices.next();
  }
  return found;
}

/** Converts an object to a rule. The metadata that the store adds does not affect its references. */
const ruleOf = ({ draft: { kind, apiVersion, metadata }, spec }: CheckedObject): Rule => ({
  kind,
  apiVersion,
  metadata: { ...metadata, creationTimestamp: '', generation: 0, resourceVersion: '', uid: '' },
  spec,
  origin: '',
});
