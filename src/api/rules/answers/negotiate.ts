import type { FastifyRequest } from 'fastify';
import { failure, StatusError } from '../../status.ts';

/** How much of the object goes along with a table's row. */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

/** What a client wants objects to look like. */
export type AnswerForm = { readonly type: 'json' } | { readonly type: 'table'; readonly includeObject: IncludeObject };

/** One of the things that an `Accept` header lists. */
export interface Acceptable {
  /** `application/json`, in lower case. */
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/**
 * The form that a request asks for: the first thing in its `Accept` header that is served. Throws a 406 if nothing is,
 * a 400 for an `includeObject` that there is not. https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables
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
  throw new StatusError(failure('NotAcceptable', message));
}

/** What a client accepts, the most wanted first. Without a header, anything. */
export function acceptables(header: string | undefined): readonly Acceptable[] {
  if (header === undefined || header.trim() === '') return [{ type: '*/*', parameters: new Map() }];
  return header
    .split(',')
    .map(acceptable)
    .map((one) => ({ ...one, quality: Number(one.parameters.get('q') ?? 1) }))
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality);
}

/** Whether JSON is among what it stands for; `as` and the like are for the caller to look at. */
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
  const { includeObject = 'Metadata' } = request.query as Readonly<Record<string, unknown>>; // fastify's own parser makes it
  switch (includeObject) {
    case '':
      return 'Metadata';
    case 'None':
    case 'Metadata':
    case 'Object':
      return includeObject;
    default:
      throw new StatusError(failure('BadRequest', 'includeObject must be None, Metadata or Object'));
  }
}
