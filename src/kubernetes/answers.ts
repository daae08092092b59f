import { text as readText } from 'node:stream/consumers';
import { z } from 'zod';
import { errorOfStatus, KubernetesError } from './errors.ts';
import { type ApiObject, asApiObject } from './object.ts';
import type { WireResponse } from './wire.ts';

export interface ListPage {
  readonly items: readonly ApiObject[];
  /** Version of the list, equal for all its pages. */
  readonly resourceVersion: string;
  readonly isLast: boolean;
}

export interface WatchEvent {
  /** A bookmark's object has only a version. */
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: ApiObject;
}

const pageSchema = z.object({
  metadata: z.object({ resourceVersion: z.string().default(''), continue: z.string().nullish() }),
  items: z.array(z.unknown()).nullish(),
});

const eventSchema = z.object({
  type: z.enum(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']),
  object: z.unknown(),
});

/** Reads an answer as JSON, or as text if it is none. Throws the server's refusal. */
export async function answerOf({ status, retryAfter, body }: WireResponse): Promise<unknown> {
  const text = await readText(body);
  const answer = parsed(text);
  if (status >= 200 && status < 300) return answer;
  const error = errorOfStatus(answer, status);
  const seconds = Number(retryAfter ?? Number.NaN);
  if (error.retryAfterMs !== null || !(seconds > 0)) throw error;
  throw new KubernetesError(error.message, { status, reason: error.reason, retryAfterMs: seconds * 1_000 });
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

export function eventOf(line: string): WatchEvent {
  const event = eventSchema.safeParse(parsed(line));
  if (!event.success) throw new KubernetesError(`unreadable event: ${line.slice(0, 100)}`, { status: 0 });
  const { type, object } = event.data;
  if (type === 'ERROR') throw errorOfStatus(object, 500);
  if (type === 'BOOKMARK') return { type, object: bookmarkOf(object) };
  const known = asApiObject(object);
  if (known === null) throw new KubernetesError(`event without an object: ${line.slice(0, 100)}`, { status: 0 });
  return { type, object: known };
}

const bookmarkSchema = z.object({ metadata: z.object({ resourceVersion: z.string() }) });

function bookmarkOf(object: unknown): ApiObject {
  const bookmark = bookmarkSchema.safeParse(object);
  if (!bookmark.success) throw new KubernetesError('bookmark without a version', { status: 0 });
  return { metadata: { name: '', resourceVersion: bookmark.data.metadata.resourceVersion } };
}

const listKindSchema = z.object({ apiVersion: z.string(), kind: z.string().regex(/List$/) });

/** Reads one page of a list. Throws if it is none. */
export function pageOf(answer: unknown): ListPage & { readonly rest: string | null } {
  const page = pageSchema.safeParse(answer);
  if (!page.success) throw new KubernetesError('the answer is not a list', { status: 0 });
  const rest = page.data.metadata.continue || null;
  const { kind, apiVersion } = kindOfItems(answer);
  const items = (page.data.items ?? []).flatMap((item) => asApiObject(item) ?? []);
  return {
    items: kind === null ? items : items.map((item) => ({ apiVersion, kind, ...item })),
    resourceVersion: page.data.metadata.resourceVersion,
    isLast: rest === null,
    rest,
  };
}

/** Items of a list do not name their kind. Those of a list of metadata do. */
function kindOfItems(list: unknown): { readonly kind: string | null; readonly apiVersion: string } {
  const head = listKindSchema.safeParse(list);
  if (!head.success || head.data.kind === 'PartialObjectMetadataList') return { kind: null, apiVersion: '' };
  return { kind: head.data.kind.replace(/List$/, ''), apiVersion: head.data.apiVersion };
}
