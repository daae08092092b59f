import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { schemaProblems } from '../../../rules/validation/schema-problems.ts';
import { ApiError, invalid } from '../../status.ts';
import { readBody } from '../body/read-body.ts';
import { isDryRun, queryOf } from '../parameters.ts';

/** Preconditions of a deletion. */
export interface DeleteOptions {
  readonly uid: string | null;
  readonly resourceVersion: string | null;
  readonly dryRun: boolean;
}

/** Accepted for Kubernetes tools, without effect: objects have no owners, and deletion is immediate. */
const withoutEffect = z.unknown().optional();

/** Schema of https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/delete-options/ */
const schema = z.strictObject({
  kind: z.literal('DeleteOptions').nullish(),
  apiVersion: z.string().nullish(),
  preconditions: z.strictObject({ uid: z.string().nullish(), resourceVersion: z.string().nullish() }).nullish(),
  dryRun: z.array(z.literal('All')).nullish().describe('what of it is only to be tried'),
  gracePeriodSeconds: withoutEffect,
  propagationPolicy: withoutEffect,
  orphanDependents: withoutEffect,
  ignoreStoreReadErrorWithClusterBreakingPotential: withoutEffect,
});

const dryRuns = new WeakSet<FastifyRequest>();

/** Reports whether the body of a deletion, if it has been read, asks for a dry run. */
export const isDryRunByOptions = (request: FastifyRequest): boolean => dryRuns.has(request);

/** Reads the optional body of a deletion. Throws a 422 for fields that would have no effect. */
export async function readDeleteOptions(request: FastifyRequest): Promise<DeleteOptions> {
  const item = await readBody(request);
  const parsed = schema.safeParse(item?.value ?? {}, { reportInput: true });
  if (!parsed.success) {
    const problems = schemaProblems(schema, parsed.error, '');
    throw new ApiError(invalid({ kind: 'DeleteOptions', group: 'meta.k8s.io', name: '' }, problems));
  }
  const { preconditions, dryRun } = parsed.data;
  if ((dryRun ?? []).length > 0) dryRuns.add(request);
  return {
    uid: preconditions?.uid ?? null,
    resourceVersion: preconditions?.resourceVersion ?? null,
    dryRun: isDryRun(queryOf(request)) || (dryRun ?? []).length > 0,
  };
}
