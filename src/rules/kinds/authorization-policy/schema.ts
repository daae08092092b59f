import { z } from 'zod';
import { hasOneTarget, oneTargetOnly, targetFields } from '../shared/workload-target.ts';
import { customActionProblems } from './custom-action.ts';
import { condition, operation, source } from './match-schema.ts';

const maxItems = 512;

const rule = z.strictObject({
  from: z
    .array(
      z.strictObject({
        source: source.optional().describe('sender of the request; all fields that are set must match'),
      }),
    )
    .max(maxItems, `must be at most ${maxItems} sources`)
    .optional()
    .describe('senders of requests, of which one must match; any sender if left out'),
  to: z
    .array(
      z.strictObject({
        operation: operation.optional().describe('requested operation; all fields that are set must match'),
      }),
    )
    .optional()
    .describe('requested operations, of which one must match; any operation if left out'),
  when: z.array(condition).optional().describe('additional conditions, all of which must hold'),
});

type Conflict = readonly [path: readonly (string | number)[], message: string];

/** AuthorizationPolicy of security.istio.io: https://istio.io/latest/docs/reference/config/security/authorization-policy/ */
export const authorizationPolicySpec = z
  .strictObject({
    ...targetFields,
    action: z
      .enum(['ALLOW', 'DENY', 'AUDIT', 'CUSTOM'])
      .optional()
      .describe('action for requests that match a rule; ALLOW if left out'),
    rules: z
      .array(rule)
      .max(maxItems, `must be at most ${maxItems} rules`)
      .optional()
      .describe('requests that it applies to, of which one rule must match; without rules ALLOW allows nothing'),
    provider: z
      .strictObject({ name: z.string().optional().describe('name of the provider in the mesh configuration') })
      .optional()
      .describe('provider that decides, with the action CUSTOM'),
  })
  .refine(hasOneTarget, oneTargetOnly)
  .superRefine((spec, context) => {
    const { rules = [] } = spec;
    for (const [path, message] of [...actionProblems(spec), ...rules.flatMap(ruleProblems)]) {
      context.addIssue({ code: 'custom', path: [...path], message });
    }
  });

export type AuthorizationPolicySpec = z.infer<typeof authorizationPolicySpec>;
type PolicyRule = z.infer<typeof rule>;

function actionProblems(spec: Pick<AuthorizationPolicySpec, 'action' | 'rules' | 'provider'>): readonly Conflict[] {
  const { action = 'ALLOW', rules = [], provider } = spec;
  const problems: Conflict[] = [];
  if ((action === 'CUSTOM' || action === 'DENY') && rules.length === 0) {
    problems.push([
      ['rules'],
      `is required: ${action} without rules has no effect; an empty rule {} fits every request`,
    ]);
  }
  if (action === 'CUSTOM') {
    if (!provider?.name) problems.push([['provider', 'name'], 'is required with action CUSTOM']);
    problems.push(...customActionProblems(rules));
  } else if (provider !== undefined) {
    problems.push([['provider'], `must be left out with action ${action}: only CUSTOM asks a provider`]);
  }
  return problems;
}

/** Rejects empty lists, which are ambiguous: "no sender" or "any sender". */
function ruleProblems(rule: PolicyRule, index: number): readonly Conflict[] {
  const problems: Conflict[] = [];
  for (const field of ['from', 'to', 'when'] as const) {
    if (rule[field]?.length === 0)
      problems.push([['rules', index, field], 'must not be empty; leave it out to fit all']);
  }
  for (const [at, { source }] of (rule.from ?? []).entries()) {
    if (isEmpty(source))
      problems.push([['rules', index, 'from', at, 'source'], 'must say who: set at least one field']);
  }
  for (const [at, { operation }] of (rule.to ?? []).entries()) {
    if (isEmpty(operation))
      problems.push([['rules', index, 'to', at, 'operation'], 'must say what: set at least one field']);
  }
  return problems;
}

const isEmpty = (lists: Readonly<Record<string, readonly string[] | undefined>> = {}): boolean =>
  Object.values(lists).every((list) => list === undefined || list.length === 0);
