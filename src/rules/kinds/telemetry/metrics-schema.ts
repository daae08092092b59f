import { z } from 'zod';
import { orNull, positiveDuration } from '../../fields.ts';
import { atMostOneOf } from '../../one-of.ts';
import { mode, providers } from './parts-schema.ts';

const standardMetrics = [
  'ALL_METRICS',
  'REQUEST_COUNT',
  'REQUEST_DURATION',
  'REQUEST_SIZE',
  'RESPONSE_SIZE',
  'TCP_OPENED_CONNECTIONS',
  'TCP_CLOSED_CONNECTIONS',
  'TCP_SENT_BYTES',
  'TCP_RECEIVED_BYTES',
  'GRPC_REQUEST_MESSAGES',
  'GRPC_RESPONSE_MESSAGES',
] as const;

const metricMatch = atMostOneOf(
  z.strictObject({
    metric: z.enum(standardMetrics).optional().describe("one of the mesh's own metrics; all if left out"),
    customMetric: z.string().min(1, 'must not be empty').optional().describe('a metric by its name'),
    mode: mode.optional().describe('traffic that the workload sends, receives, or both (default)'),
  }),
  ['metric', 'customMetric'],
);

const tagOverride = z
  .strictObject({
    operation: z.enum(['UPSERT', 'REMOVE']).optional().describe('whether the dimension is set (default) or removed'),
    value: z.string().optional().describe('CEL expression for its value, with UPSERT'),
  })
  .superRefine(({ operation = 'UPSERT', value }, context) => {
    const complain = (message: string) => context.addIssue({ code: 'custom', path: ['value'], message });
    if (operation === 'UPSERT' && !value) complain('is required with UPSERT, which is the default');
    if (operation === 'REMOVE' && value !== undefined) complain('must be left out with REMOVE');
  });

const override = z.strictObject({
  match: metricMatch.optional().describe('metrics to change; all if left out'),
  disabled: orNull(z.boolean()).describe('whether the metric is disabled'),
  tagOverrides: z
    .record(z.string().min(1, 'the name of a dimension must not be empty'), tagOverride)
    .optional()
    .describe('dimensions to set or remove, by name'),
});

/** Metrics to record, with their dimensions. */
export const metrics = z.strictObject({
  providers: providers
    .optional()
    .describe('providers that receive metrics; the mesh configuration decides if left out'),
  overrides: z.array(override).optional().describe('differences from the defaults, in order'),
  reportingInterval: positiveDuration
    .optional()
    .describe('reporting interval for open TCP connections; 5s if left out'),
});
