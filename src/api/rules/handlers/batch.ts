import type { FastifyReply, FastifyRequest } from 'fastify';
import { inSlices } from '../../../lib/slices.ts';
import type { Authorship, StoreWrite, Written } from '../../../rules/store.ts';
import { demand } from '../../access/guard.ts';
import { ApiError, failure } from '../../status.ts';
import type { BodyItem } from '../body/contract.ts';
import { readObjects } from '../body/read-body.ts';
import type { ApiContext } from '../context.ts';
import { refuseNamespaceInUse } from '../objects/refuse-namespace.ts';
import { isNamespaceKind } from '../options.ts';
import { choiceParameter, type FieldValidation, fieldValidationOf, isDryRun, queryOf } from '../parameters.ts';
import { refusalStatus, refuseAdapterName } from '../refusals.ts';
import { authorship, warn } from '../request-facts.ts';
import { unresolvedIn } from '../unresolved.ts';
import { type BatchItem, checkBatch, checkNames, type NamedItem } from './batch-items.ts';
import { type ItemsFailure, isAtomic, writeItems } from './write-items.ts';

const choices = ['apply', 'create', 'delete'] as const;

/** Verb of a batch in the audit trail. */
export function batchVerb(request: FastifyRequest): string {
  const { action } = queryOf(request);
  return action === undefined ? 'apply' : (choices.find((one) => one === action) ?? 'batch');
}

/** Handles `POST /rules/v1/batch`: many objects in one transaction. */
export function batchHandler(context: ApiContext) {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const query = queryOf(request);
    const action = choiceParameter(query, 'action', { choices, otherwise: 'apply' });
    const [validation, author] = [fieldValidationOf(query), authorship(request, isDryRun(query))];
    const atomic = isAtomic(query);
    const bodies = await readObjects(request);
    if (bodies.length === 0) throw badRequest('the body is empty: send a List, or a YAML stream of objects');
    if (action === 'delete') return batchResult(await removeItems(bodies, context, { author, atomic, request }));

    const items = await checkItems(bodies, context, validation);
    demandAll(request, items);
    const write = action === 'create' ? creation : application;
    const done = await writeItems(context.store, items.map(write), { author, atomic });
    if (!done.ok) throw refusedItem(items[done.error.index], done.error, context);
    warn(reply, await warningsOf(items, context));
    return batchResult(done.value);
  };
}

/** Checks permission for the namespaces of all objects, because the URL of a batch has none. */
function demandAll(request: FastifyRequest, items: readonly NamedItem[]): void {
  for (const namespace of new Set(items.map(({ key }) => key.namespace))) {
    demand(request, { type: 'write-rules', namespace });
  }
}

/** Checks the objects of a batch and rejects names that an adapter defines. */
export async function checkItems(
  bodies: readonly BodyItem[],
  { kinds, own, book }: ApiContext,
  validation: FieldValidation,
): Promise<readonly BatchItem[]> {
  const items = await checkBatch(bodies, { kinds, validation });
  await inSlices(items, async (item) => {
    if ((await own.get(item.key)) === null) refuseAdapterName(item, book);
  });
  return items;
}

const creation = ({ read: { draft } }: BatchItem): StoreWrite => ({ type: 'create', draft });

/** Builds the write of an item. A version given by its author must be the current one. */
const application = ({ read: { draft, resourceVersion: expectedResourceVersion } }: BatchItem): StoreWrite =>
  expectedResourceVersion === null ? { type: 'apply', draft } : { type: 'update', draft, expectedResourceVersion };

async function removeItems(
  bodies: readonly BodyItem[],
  context: ApiContext,
  options: { readonly author: Authorship; readonly atomic: boolean; readonly request: FastifyRequest },
): Promise<readonly Written[]> {
  const items = await checkNames(bodies, context.kinds);
  demandAll(options.request, items);
  for (const item of items) {
    if ((await context.own.get(item.key)) === null) refuseAdapterName(item, context.book);
    await refuseNamespace(item, items, context);
  }
  const writes = items.map(({ key }): StoreWrite => ({ type: 'remove', key, expectedResourceVersion: null }));
  const done = await writeItems(context.store, writes, options);
  if (done.ok) return done.value;
  throw refusedItem(items[done.error.index], done.error, context);
}

/** Rejects the deletion of a namespace in use. Objects deleted in the same batch do not count. */
async function refuseNamespace(item: NamedItem, items: readonly NamedItem[], { store }: ApiContext): Promise<void> {
  if (!isNamespaceKind(item.kind)) return;
  const { name } = item.key;
  const leaving = new Set(
    items.filter(({ key }) => key.namespace === name).map(({ key }) => `${key.kind}/${key.name}`),
  );
  const contentsOf = async (namespace: string) =>
    (await store.contentsOf(namespace)).filter((key) => !leaving.has(`${key.kind}/${key.name}`));
  await refuseNamespaceInUse(item, { contentsOf });
}

/** Translates a store's refusal of one write, naming the item of the batch. */
export function refusedItem(
  item: NamedItem | undefined,
  { refusal, written }: Pick<ItemsFailure, 'refusal' | 'written'>,
  { book }: Pick<ApiContext, 'book'>,
): ApiError {
  if (item === undefined) throw new Error('the store refused a write that was not asked for');
  const { message, ...status } = refusalStatus(refusal, item, book);
  if (refusal.type === 'unsupported')
    return new ApiError({ ...status, message: `nothing of the batch was done: ${message}` });
  const done = written.length === 0 ? 'nothing' : `only the first ${written.length}`;
  return new ApiError({ ...status, message: `${done} of the batch was done: ${item.place}: ${message}` });
}

export async function warningsOf(items: readonly BatchItem[], context: ApiContext): Promise<readonly string[]> {
  const reads = items.map(({ read }) => read);
  const unresolved = await unresolvedIn(reads, context);
  return items.flatMap(({ place, read }, index) =>
    [...read.warnings, ...(unresolved[index] ?? [])].map((warning) => `${place}: ${warning}`),
  );
}

const actions = { created: 'created', updated: 'configured', unchanged: 'unchanged', removed: 'deleted' } as const;

/** Lists the results in the order of the writes. */
export function batchResult(written: readonly Written[]) {
  const items = written.map(({ action, object: { kind, metadata } }) => ({
    action: actions[action],
    kind,
    namespace: metadata.namespace,
    name: metadata.name,
    resourceVersion: metadata.resourceVersion,
  }));
  return { kind: 'BatchResult', items };
}

const badRequest = (message: string): ApiError => new ApiError(failure('BadRequest', message));
