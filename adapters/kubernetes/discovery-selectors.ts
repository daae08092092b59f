import { z } from 'zod';

const expression = z
  .strictObject({
    key: z.string().min(1).describe('name of a label'),
    operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']).describe('relation of the label to `values`'),
    values: z.array(z.string()).optional().describe('values of `In` and `NotIn`'),
  })
  .refine(({ operator, values = [] }) => values.length > 0 === (operator === 'In' || operator === 'NotIn'), {
    path: ['values'],
    message: 'is required with In and NotIn, and not allowed with Exists and DoesNotExist',
  });

/** Selector of namespaces: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/label-selector/ */
export const discoverySelector = z.strictObject({
  matchLabels: z
    .record(z.string(), z.string())
    .optional()
    .describe('labels that a namespace must have; namespaces that no selector matches are not read'),
  matchExpressions: z.array(expression).optional().describe('conditions on labels, all of which must hold'),
});

export type DiscoverySelector = z.infer<typeof discoverySelector>;

type NamespaceLabels = Readonly<Record<string, string>>;

/** Reports whether one of the selectors matches. An empty selector matches everything, an empty list too, as in Istio. */
export const selectsNamespace = (selectors: readonly DiscoverySelector[], labels: NamespaceLabels): boolean =>
  selectors.length === 0 || selectors.some((selector) => matches(selector, labels));

const matches = ({ matchLabels = {}, matchExpressions = [] }: DiscoverySelector, labels: NamespaceLabels): boolean =>
  Object.entries(matchLabels).every(([key, value]) => valueOf(labels, key) === value) &&
  matchExpressions.every(({ key, operator, values = [] }) => {
    const value = valueOf(labels, key);
    switch (operator) {
      case 'In':
        return value !== null && values.includes(value);
      case 'NotIn':
        return value === null || !values.includes(value);
      case 'Exists':
        return value !== null;
      default:
        return value === null;
    }
  });

const valueOf = (labels: NamespaceLabels, key: string): string | null =>
  Object.hasOwn(labels, key) ? (labels[key] ?? '') : null;
