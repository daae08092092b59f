import type { RuleMetadata } from '../../../rules/rule.ts';
import { failure, StatusError } from '../../status.ts';
import { textParameter } from '../parameters.ts';
import { parseFieldSelector } from './fields.ts';
import { parseLabelSelector } from './labels.ts';

/** Which objects a list, a watch or a deletion of many is about. */
export interface Selection {
  /** Nothing was asked for: all objects are meant. */
  readonly isAll: boolean;
  readonly includes: (object: { readonly metadata: RuleMetadata }) => boolean;
}

/** Reads `labelSelector` and `fieldSelector` of a query. Throws a 400 that says what is wrong. */
export function selectionOf(query: Readonly<Record<string, unknown>>): Selection {
  const [labelText, fieldText] = [textParameter(query, 'labelSelector'), textParameter(query, 'fieldSelector')];
  const labels = parseLabelSelector(labelText);
  if (!labels.ok) throw new StatusError(failure('BadRequest', labels.error));
  const fields = parseFieldSelector(fieldText);
  if (!fields.ok) throw new StatusError(failure('BadRequest', fields.error));
  return {
    isAll: labelText.trim() === '' && fieldText.trim() === '',
    includes: ({ metadata }) => fields.value(metadata) && labels.value(metadata.labels),
  };
}
