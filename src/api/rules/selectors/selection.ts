import type { RuleMetadata } from '../../../rules/rule.ts';
import { ApiError, failure } from '../../status.ts';
import { textParameter } from '../parameters.ts';
import { parseFieldSelector } from './fields.ts';
import { parseLabelSelector } from './labels.ts';

/** Objects that a list, a watch or a collection deletion selects. */
export interface ObjectSelection {
  /** True without selectors: all objects are selected. */
  readonly isAll: boolean;
  readonly includes: (object: { readonly metadata: RuleMetadata }) => boolean;
}

/** Reads `labelSelector` and `fieldSelector` of a query. Throws a 400 that names the mistake. */
export function selectionOf(query: Readonly<Record<string, unknown>>): ObjectSelection {
  const [labelText, fieldText] = [textParameter(query, 'labelSelector'), textParameter(query, 'fieldSelector')];
  const labels = parseLabelSelector(labelText);
  if (!labels.ok) throw new ApiError(failure('BadRequest', labels.error));
  const fields = parseFieldSelector(fieldText);
  if (!fields.ok) throw new ApiError(failure('BadRequest', fields.error));
  return {
    isAll: labelText.trim() === '' && fieldText.trim() === '',
    includes: ({ metadata }) => fields.value(metadata) && labels.value(metadata.labels),
  };
}
