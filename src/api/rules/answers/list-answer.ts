import type { FastifyReply, FastifyRequest } from 'fastify';
import { startSlices } from '../../../lib/slices.ts';
import type { RuleKind } from '../../../rules/rule.ts';
import type { StoredObject } from '../../../rules/store.ts';
import { sendPieces } from '../../gzip.ts';
import { answerForm } from './negotiate.ts';
import { objectTable, type ServedObject, tableHead, tableRow } from './table.ts';

/** Presentation of objects at one URL. */
export interface Presentation {
  readonly kind: RuleKind;
  /** Group and version of the URL. */
  readonly apiVersion: string;
  /** Converts an object to that version, with its current status. */
  readonly show: (object: StoredObject) => ServedObject;
  /** Shows the result of a dry run, with the status of `current`, or without status if there is no current object. */
  readonly showDryRun: (object: StoredObject, current: StoredObject | null) => ServedObject;
  /** Milliseconds since the epoch, for the ages in tables. */
  readonly now: () => number;
}

export interface ListAnswer {
  readonly items: readonly StoredObject[];
  /** Metadata of the list: `resourceVersion`; with a further page also `continue` and `remainingItemCount`. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Characters per write. */
const pieceLength = 64 * 1024;

/** Answers with a list or a table of it, in pieces: a long list does not block other work. */
export async function sendList(
  request: FastifyRequest,
  reply: FastifyReply,
  { list, as }: { readonly list: ListAnswer; readonly as: Presentation },
): Promise<FastifyReply> {
  const form = answerForm(request);
  reply.type('application/json');
  if (form.type === 'json') {
    const head = { kind: `${as.kind.kind}List`, apiVersion: as.apiVersion, metadata: list.metadata };
    return sendPieces(request, reply, pieces(head, 'items', list.items, as.show));
  }
  const options = { includeObject: form.includeObject, nowMs: as.now() };
  const row = (object: StoredObject) => tableRow(as.kind, as.show(object), options);
  return sendPieces(request, reply, pieces(tableHead(as.kind, list.metadata), 'rows', list.items, row));
}

/** Returns one object, or a table of it, in the form that the request asks for. */
export function objectAnswer(request: FastifyRequest, object: ServedObject, as: Presentation): unknown {
  const form = answerForm(request);
  if (form.type === 'json') return object;
  const { resourceVersion } = object.metadata;
  return objectTable(as.kind, [object], {
    metadata: { resourceVersion },
    includeObject: form.includeObject,
    nowMs: as.now(),
  });
}

/** Yields the JSON of `{...head, [field]: [...]}`. */
async function* pieces<Item>(
  head: object,
  field: string,
  items: readonly Item[],
  toJson: (item: Item) => unknown,
): AsyncGenerator<string> {
  let piece = `${JSON.stringify(head).slice(0, -1)},${JSON.stringify(field)}:[`;
  const slices = startSlices();
  for (const [index, item] of items.entries()) {
    piece += `${index === 0 ? '' : ','}${JSON.stringify(toJson(item))}`;
    if (piece.length < pieceLength && !slices.isOver) continue;
    yield piece;
    piece = '';
    if (slices.isOver) await slices.next();
  }
  yield `${piece}]}`;
}
