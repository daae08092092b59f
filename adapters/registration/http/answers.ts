import type { z } from 'zod';
import type { RouteAnswer } from '../../../src/adapter-contract/http.ts';
import { type FieldProblem, fieldProblems } from './schema.ts';

/** Body of a rejected request. */
export interface Refusal {
  readonly error: string;
  readonly problems: readonly FieldProblem[];
}

export const refusal = (error: string, problems: readonly FieldProblem[]): Refusal => ({ error, problems });

export const jsonAnswer = (status: number, body: object): RouteAnswer => ({ type: 'json', status, body });

export const refuse = (status: number, error: string, problems: readonly FieldProblem[]): RouteAnswer =>
  jsonAnswer(status, refusal(error, problems));

export const missing = (error: string): RouteAnswer => refuse(404, error, []);

export const nothing: RouteAnswer = { type: 'nothing' };

type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly FieldProblem[] };

/** Checks a body; `before` has the mistakes that are known already. */
export function parsed<T>(schema: z.ZodType<T>, body: unknown, before: readonly FieldProblem[]): Parsed<T> {
  const result = schema.safeParse(body);
  if (result.success && before.length === 0) return { ok: true, value: result.data };
  return { ok: false, problems: [...before, ...(result.success ? [] : fieldProblems(result.error))] };
}

/** Lists the mistakes in the items of a list, by position. */
export const prefixed = (items: readonly (readonly FieldProblem[])[], list: string): readonly FieldProblem[] =>
  items.flatMap((problems, index) =>
    problems.map(({ field, message }) => ({ field: `${list}[${index}].${field}`, message })),
  );
