import { DetailedError, usageError } from '../failure.ts';
import { type Cause, isMap, ServerError, text } from './answer.ts';
import type { ApiClient } from './client.ts';
import { problemCount, problemLine, type SourceDocument, some } from './documents.ts';
import { displayName, type ServedKind } from './kinds.ts';

/** Result of a transaction for one object. */
export interface BatchResult {
  readonly action: 'created' | 'configured' | 'unchanged' | 'deleted';
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly resourceVersion: string | null;
}

export interface BatchRequest {
  readonly path: '/rules/v1/batch' | '/rules/v1/import';
  readonly query: Readonly<Record<string, string | null>>;
  readonly documents: readonly SourceDocument[];
}

/** Maximum size of a request, in bytes, by path. */
const maxBodyBytes = { '/rules/v1/batch': 10 * 1024 * 1024, '/rules/v1/import': 128 * 1024 * 1024 } as const;

/**
 * Sends documents as one transaction; the results are in their order. A rejection has one line for each problem, with
 * file, document, line and field.
 */
export async function sendBatch(
  client: ApiClient,
  { path, query, documents }: BatchRequest,
): Promise<readonly BatchResult[]> {
  const body = { apiVersion: 'v1', kind: 'List', items: documents.map(({ object }) => object) };
  const bytes = Buffer.byteLength(JSON.stringify(body));
  if (bytes > maxBodyBytes[path]) {
    const [size, most] = [bytes, maxBodyBytes[path]].map((size) => `${(size / 1024 / 1024).toFixed(1)} MiB`);
    throw usageError(
      `the documents are ${size} as JSON, and a server takes ${most} in one transaction: give it fewer files at a time`,
    );
  }
  const answer = await client.send({ method: 'POST', path, query, body }).catch((error: unknown) => {
    throw explainRefusal(error, documents);
  });
  const items = isMap(answer) && Array.isArray(answer.items) ? answer.items.filter(isMap) : [];
  return items.map((item) => ({
    action: actionOf(item.action),
    kind: text(item.kind),
    namespace: text(item.namespace),
    name: text(item.name),
    resourceVersion: typeof item.resourceVersion === 'string' ? item.resourceVersion : null,
  }));
}

/** Formats a result: `virtualservice.networking.istio.io/reviews`. */
export function displayItem({ kind, name }: BatchResult, kinds: readonly ServedKind[]): string {
  const group = kinds.find((one) => one.kind === kind)?.group ?? '';
  return displayName({ kind, group }, name);
}

/** Returns the group of an API version: `networking.istio.io/v1` → `networking.istio.io`; empty for `v1`. */
export const groupOf = (apiVersion: string): string => apiVersion.slice(0, Math.max(0, apiVersion.indexOf('/')));

/**
 * Translates a rejection to positions in the files: each field and object that the server names is located in its
 * document.
 */
export function explainRefusal(error: unknown, documents: readonly SourceDocument[]): unknown {
  if (!(error instanceof ServerError)) return error;
  const lines = problemsOf(error).flatMap(({ field, message }) => {
    const match = /^items\[(\d+)\]\.?(.*)$/s.exec(field);
    const document = match === null && documents.length === 1 ? documents[0] : documents[Number(match?.[1])];
    const path = match === null ? field : (match[2] ?? '');
    return document === undefined ? [] : [problemLine(document, { path, message: message.replace(itsPlace, '') })];
  });
  if (lines.length === 0) return error;
  return new DetailedError(error.code, `refused for ${problemCount(lines.length)}; nothing was changed`, some(lines));
}

/** Suffix with which the server names the item of a batch. The file and document replace it. */
const itsPlace = / in items\[\d+\](?: \([^()]*\))?$/;

/** Lists the problems of a rejection, by field, or one for the item as a whole. */
function problemsOf({ causes, message }: ServerError): readonly Cause[] {
  if (causes.length > 0) return causes;
  const whole = /^nothing of the batch was done: (items\[\d+\])(?: \([^()]*\))?: (.*)$/s.exec(message);
  return whole === null ? [] : [{ field: whole[1] ?? '', message: whole[2] ?? '' }];
}

const actions = ['created', 'configured', 'unchanged', 'deleted'] as const;

const actionOf = (given: unknown): BatchResult['action'] => actions.find((one) => one === given) ?? 'configured';
