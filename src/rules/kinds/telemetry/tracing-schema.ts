import { z } from 'zod';
import { countSet, orNull } from '../../fields.ts';
import { atMostOneOf } from '../../one-of.ts';
import { modeOnly, providers } from './parts-schema.ts';

const nonEmpty = z.string().min(1, 'must not be empty');
const sources = ['literal', 'environment', 'header', 'formatter'] as const;

const customTag = atMostOneOf(
  z.strictObject({
    literal: z
      .strictObject({ value: nonEmpty.describe('the value') })
      .optional()
      .describe('a constant value'),
    environment: z
      .strictObject({
        name: nonEmpty.describe('name of the variable'),
        defaultValue: z.string().optional().describe('value when the variable is not set'),
      })
      .optional()
      .describe('value of an environment variable of the proxy'),
    header: z
      .strictObject({
        name: nonEmpty.describe('name of the header'),
        defaultValue: z.string().optional().describe('value when the request has no such header'),
      })
      .optional()
      .describe('value of a header of the request'),
    formatter: z
      .strictObject({ value: nonEmpty.describe('the format, as in access logs: %REQ(x-user)%') })
      .optional()
      .describe('a value composed as in access logs'),
  }),
  sources,
).refine((tag) => countSet(tag) > 0, `needs a value: one of ${sources.join(', ')}`);

/** Tracing of requests. Null equals an absent field: the next wider scope decides. */
export const tracing = z.strictObject({
  match: modeOnly.optional().describe('traffic to trace; both directions if left out'),
  providers: providers.optional().describe('providers that receive spans; the mesh configuration decides if left out'),
  randomSamplingPercentage: orNull(z.number().min(0, 'must be 0 to 100').max(100, 'must be 0 to 100')).describe(
    'percentage of requests to trace, among those without an earlier decision',
  ),
  disableSpanReporting: orNull(z.boolean()).describe(
    'whether no spans are reported; trace headers are still forwarded',
  ),
  disableContextPropagation: orNull(z.boolean()).describe('whether trace headers are not forwarded'),
  customTags: z
    .record(z.string().min(1, 'the name of a tag must not be empty'), customTag)
    .optional()
    .describe('additional tags of spans, by name'),
  useRequestIdForTraceSampling: z
    .boolean()
    .nullish()
    .describe('whether X-Request-ID decides what is traced; yes if left out'),
  enableIstioTags: orNull(z.boolean()).describe("whether spans get the mesh's own tags; yes if left out"),
});
