import { z } from 'zod';
import type { RuleKind } from '../../rule.ts';

const namespaceSpec = z.strictObject({
  finalizers: z
    .array(z.literal('kubernetes'))
    .optional()
    .describe('as Kubernetes writes it; nothing waits for it here'),
});

/** A namespace, for its name and labels; rules may be in one that was never made. */
export const namespace: RuleKind<'Namespace', z.infer<typeof namespaceSpec>> = {
  kind: 'Namespace',
  plural: 'namespaces',
  singular: 'namespace',
  shortNames: ['ns'],
  group: '',
  versions: ['v1'],
  scope: 'cluster',
  about: 'A namespace for rules, with labels. It need not be made before something is put into it.',
  spec: namespaceSpec,
  columns: [{ name: 'Status', type: 'string', about: 'Always Active.', value: () => 'Active' }],
  pending: () => [],
};
