import type { FastifyRequest } from 'fastify';
import { ApiError, failure } from '../../status.ts';

/** Part of the object that a table row includes. */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

/** Form of the answer that a client prefers. */
export type AnswerForm = { readonly type: 'json' } | { readonly type: 'table'; readonly includeObject: IncludeObject };

/** Entry of an `Accept` header. */
export interface Acceptable {
  /** Media type in lower case, `application/json` for example. */
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/**
 * Returns the form that a request asks for: the first supported entry of its `Accept` header. Throws a 406 if no entry
 * is supported, and a 400 for an unknown `includeObject`.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
 */
export function answerForm(request: FastifyRequest): AnswerForm {
  for (const acceptable of acceptables(request.headers.accept)) {
    if (!isJson(acceptable)) continue;
    const as = acceptable.parameters.get('as');
    if (as === undefined) return { type: 'json' };
    if (as === 'Table' && acceptable.parameters.get('g') === 'meta.k8s.io' && acceptable.parameters.get('v') === 'v1') {
      return { type: 'table', includeObject: includeObjectOf(request) };
    }
  }
  const message = `${request.headers.accept} is not served: accept application/json, or application/json;as=Table;v=v1;g=meta.k8s.io`;
  throw new ApiError(failure('NotAcceptable', message));
}

/** Lists what a client accepts, by preference. A missing header accepts anything. */
export function acceptables(header: string | undefined): readonly Acceptable[] {
  if (header === undefined || header.trim() === '') return [{ type: '*/*', parameters: new Map() }];
  return header
    .split(',')
    .map(acceptable)
    .map((one) => ({ ...one, quality: Number(one.parameters.get('q') ?? 1) }))
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality);
}

/** Reports whether an entry covers JSON. Callers check parameters such as `as`. */
export const isJson = ({ type }: Acceptable): boolean => ['application/json', 'application/*', '*/*'].includes(type);

function acceptable(text: string): Acceptable {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim());
  return {
    type: type.toLowerCase(),
    parameters: new Map(
      parameters.map((parameter) => {
        const [name = '', value = ''] = parameter.split('=', 2);
        return [name.toLowerCase(), value.replace(/^"(.*)"$/, '$1')];
      }),
    ),
  };
}

function includeObjectOf(request: FastifyRequest): IncludeObject {
  const { includeObject = 'Metadata' } = request.query as Readonly<Record<string, unknown>>; // fastify's parser builds a map
  switch (includeObject) {
    case '':
      return 'Metadata';
    case 'None':
    case 'Metadata':
    case 'Object':
      return includeObject;
    default:
      throw new ApiError(failure('BadRequest', 'includeObject must be None, Metadata or Object'));
  }
}
