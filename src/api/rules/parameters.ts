import type { FastifyRequest } from 'fastify';
import { didYouMean } from '../../lib/nearest.ts';
import { ApiError, failure } from '../status.ts';

type UrlQuery = Readonly<Record<string, unknown>>;

/** Query parameters. A parameter given twice has a list as its value. */
export const queryOf = (request: FastifyRequest): UrlQuery => request.query as UrlQuery; // fastify's default parser

/** Returns the text of a parameter, empty if absent. Throws a 400 if it is given twice. */
export function textParameter(query: UrlQuery, name: string): string {
  const value = query[name] ?? '';
  if (typeof value !== 'string') throw badParameter(name, 'is in the URL twice: give it once');
  return value;
}

/** Returns one of the permitted values, or `otherwise` if the parameter is absent. Throws a 400 that lists them. */
export function choiceParameter<Choice extends string, Otherwise extends string>(
  query: UrlQuery,
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

/** Returns a whole number from 0, or null if absent. Throws a 400 for anything else. */
export function countParameter(query: UrlQuery, name: string): number | null {
  const text = textParameter(query, name);
  if (text === '') return null;
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw badParameter(name, `must be a whole number from 0 on, not ${JSON.stringify(text)}`);
}

/** Returns a boolean parameter. Throws a 400 for anything but true and false. */
export const isSwitchedOn = (query: UrlQuery, name: string): boolean =>
  ['true', '1'].includes(choiceParameter(query, name, { choices: ['true', 'false', '1', '0'], otherwise: 'false' }));

/**
 * Reports whether a dry run is requested. Throws a 400 for any value but All. `DeleteOptions` has a list of one value.
 */
export const isDryRun = (query: UrlQuery): boolean =>
  choiceParameter(query, 'dryRun', { choices: ['All'], otherwise: '' }) === 'All';

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

/** Returns how to treat unknown fields and duplicate keys. */
export const fieldValidationOf = (query: UrlQuery): FieldValidation =>
  choiceParameter(query, 'fieldValidation', { choices: ['Strict', 'Warn', 'Ignore'], otherwise: 'Strict' });

const badParameter = (name: string, message: string): ApiError =>
  new ApiError(failure('BadRequest', `the parameter ${name} ${message}; nothing was done`));
