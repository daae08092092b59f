import { err, ok, type Result } from '../../../lib/result.ts';

interface ObjectName {
  readonly name: string;
  readonly namespace: string;
}

/** Reports whether an object with this metadata is selected. */
export type FieldTest = (metadata: ObjectName) => boolean;

const fields = ['metadata.name', 'metadata.namespace'] as const;

/**
 * Parses a field selector: `metadata.name=a,metadata.namespace!=b`. Kubernetes supports these fields for custom
 * resources: https://kubernetes.io/docs/concepts/overview/working-with-objects/field-selectors/
 */
export function parseFieldSelector(text: string): Result<FieldTest, string> {
  const tests: FieldTest[] = [];
  for (const term of text.split(',').filter((one) => one.trim() !== '')) {
    const [, field, operator, value] = /^\s*([^=!\s]+)\s*(==|!=|=)\s*(\S*)\s*$/.exec(term) ?? [];
    if (field === undefined || value === undefined) {
      return err(`fieldSelector ${JSON.stringify(term)}: must be FIELD=VALUE, FIELD==VALUE or FIELD!=VALUE`);
    }
    const known = fields.find((one) => one === field);
    if (known === undefined) {
      return err(`fieldSelector ${JSON.stringify(term)}: objects are selected by ${fields.join(' and ')} only`);
    }
    const wantsEqual = operator !== '!=';
    tests.push((metadata) => (fieldOf(metadata, known) === value) === wantsEqual);
  }
  return ok((metadata) => tests.every((test) => test(metadata)));
}

const fieldOf = (metadata: ObjectName, field: (typeof fields)[number]): string =>
  field === 'metadata.name' ? metadata.name : metadata.namespace;
