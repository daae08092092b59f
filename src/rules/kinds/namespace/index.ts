import { z } from 'zod';
import type { RuleKind } from '../../rule.ts';

const namespaceSpec = z.strictObject({
  finalizers: z.array(z.literal('kubernetes')).optional().describe('written by Kubernetes; ignored'),
});

/** A namespace, for its name and labels. Rules may use a namespace without such an object. */
export const namespace: RuleKind<'Namespace', z.infer<typeof namespaceSpec>> = {
  kind: 'Namespace',
  plural: 'namespaces',
  singular: 'namespace',
  shortNames: ['ns'],
  group: '',
  versions: ['v1'],
  scope: 'cluster',
  about: 'A namespace for rules, with labels. Rules may use a namespace that was not created.',
  spec: namespaceSpec,
  columns: [{ name: 'Status', type: 'string', about: 'Always Active.', value: () => 'Active' }],
  pending: () => [],
};
