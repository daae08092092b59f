import { z } from 'zod';
import type { RuleKind } from '../../src/rules/rule.ts';

const destination = z.strictObject({ host: z.string().min(1), subset: z.string().optional() });
const match = z.union([z.strictObject({ exact: z.string() }), z.strictObject({ prefix: z.string() })]);

/** A small kind with the features of real ones: nesting, lists, maps, unions, defaults. */
export const sampleKind: RuleKind = {
  kind: 'SampleRoute',
  plural: 'sampleroutes',
  singular: 'sampleroute',
  shortNames: ['sr'],
  group: 'sample.binnacle.io',
  versions: ['v1', 'v1beta1'],
  scope: 'namespaced',
  about: 'Where requests go, in the small.',
  columns: [],
  pending: () => [],
  spec: z.strictObject({
    hosts: z.array(z.string()).min(1),
    mode: z.enum(['STRICT', 'PERMISSIVE']).default('STRICT'),
    headers: z.record(z.string(), match).optional(),
    routes: z
      .array(z.strictObject({ destination, weight: z.number().int().min(0).optional(), match: match.optional() }))
      .default([]),
  }),
};

export interface SampleOptions {
  readonly name?: string;
  readonly namespace?: string;
  readonly spec?: unknown;
  readonly metadata?: Record<string, unknown>;
}

/** An object of the sample kind, as its author would write it. */
export const sampleObject = ({
  name = 'reviews',
  namespace = 'default',
  spec = { hosts: ['reviews'] },
  metadata = {},
}: SampleOptions = {}) => ({
  apiVersion: 'sample.binnacle.io/v1',
  kind: 'SampleRoute',
  metadata: { name, namespace, ...metadata },
  spec,
});
