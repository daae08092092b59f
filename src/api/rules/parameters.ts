import type { FastifyRequest } from 'fastify';
import { didYouMean } from '../../lib/nearest.ts';
import { failure, StatusError } from '../status.ts';

type Query = Readonly<Record<string, unknown>>;

/** What is said after `?`. A parameter that stands twice has a list as its value. */
export const queryOf = (request: FastifyRequest): Query => request.query as Query; // fastify's own parser makes it

/** A parameter's text; empty when it is not there. Throws a 400 when it stands twice. */
export function textParameter(query: Query, name: string): string {
  const value = query[name] ?? '';
  if (typeof value !== 'string') throw badParameter(name, 'stands in the URL twice: give it once');
  return value;
}

/** A parameter that has one of some values, or `otherwise` when it is not there. Throws a 400 that lists them. */
export function choiceParameter<Choice extends string, Otherwise extends string>(
  query: Query,
  name: string,
  { choices, otherwise }: { readonly choices: readonly Choice[]; readonly otherwise: Otherwise },
): Choice | Otherwise {
  const text = textParameter(query, name);
  if (text === '') return otherwise;
  const choice = choices.find((one) => one === text);
  if (choice !== undefined) return choice;
  const list = choices.length === 1 ? choices[0] : `one of ${choices.join(', ')}`;
  throw badParameter(name, `must be ${list}, not ${JSON.stringify(text)}${didYouMean(text, choices)}`);
}

/** A whole number from 0 on; null when it is not there. Throws a 400 for anything else. */
export function countParameter(query: Query, name: string): number | null {
  const text = textParameter(query, name);
  if (text === '') return null;
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw badParameter(name, `must be a whole number from 0 on, not ${JSON.stringify(text)}`);
}

/** A switch. Throws a 400 for what is neither true nor false. */
export const isSwitchedOn = (query: Query, name: string): boolean =>
  ['true', '1'].includes(choiceParameter(query, name, { choices: ['true', 'false', '1', '0'], otherwise: 'false' }));

/** Whether nothing is to be kept. Throws a 400 for any value but All. A list of one is what `DeleteOptions` has. */
export const isDryRun = (query: Query): boolean =>
  choiceParameter(query, 'dryRun', { choices: ['All'], otherwise: '' }) === 'All';

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

/** What to do with unknown fields and duplicate keys. */
export const fieldValidationOf = (query: Query): FieldValidation =>
  choiceParameter(query, 'fieldValidation', { choices: ['Strict', 'Warn', 'Ignore'], otherwise: 'Strict' });

const badParameter = (name: string, message: string): StatusError =>
  new StatusError(failure('BadRequest', `the parameter ${name} ${message}; nothing was done`));
