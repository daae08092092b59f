import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { HistoryEntry, StoredObject, WriteResult } from '../../../rules/store.ts';
import { schemaProblems } from '../../../rules/validation/schema-problems.ts';
import { ApiError, failure, invalid } from '../../status.ts';
import { objectAnswer } from '../answers/list-answer.ts';
import { readBody } from '../body/read-body.ts';
import { type KindContext, subjectOf } from '../context.ts';
import { type CheckedObject, checkObject } from '../objects/read-object.ts';
import { objectIn } from '../options.ts';
import { fieldValidationOf, isDryRun, queryOf } from '../parameters.ts';
import { detailsOf, notFound, refusalStatus, refuseAdapterName, type Subject } from '../refusals.ts';
import { authorship, warn } from '../request-facts.ts';
import { unresolvedIn } from '../unresolved.ts';

/** Attempts of a rollback while concurrent writes conflict with it. */
const attempts = 16;

const rollbackSchema = z.strictObject({
  resourceVersion: z.string().regex(/^\d+$/, 'must be a resourceVersion of the history, as text').optional(),
});

/** Handlers of earlier versions of one object. */
export function versionHandlers(context: KindContext) {
  const { kind, apiVersion, as, store, own, book } = context;

  const needHistory = (): void => {
    if (store.capabilities.history) return;
    const message =
      'the rules are objects of a Kubernetes cluster, which keeps no versions: keep them in Git, or restore a backup of etcd';
    throw new ApiError(failure('MethodNotAllowed', message));
  };

  const historyOf = async (subject: Subject): Promise<readonly [HistoryEntry, ...HistoryEntry[]]> => {
    const [newest, ...older] = await store.history(subject.key);
    if (newest === undefined) throw new ApiError(notFound(subject, book));
    return [newest, ...older];
  };

  const writeVersion = async (
    request: FastifyRequest,
    subject: Subject,
    { draft }: CheckedObject,
  ): Promise<{ readonly result: WriteResult; readonly isNew: boolean }> => {
    const current = await own.get(subject.key);
    if (current === null) {
      refuseAdapterName(subject, book);
      return { result: await store.create(draft, authorship(request)), isNew: true };
    }
    const expectedResourceVersion = current.metadata.resourceVersion;
    const result = await store.update(draft, { ...authorship(request), expectedResourceVersion });
    return { result, isNew: false };
  };

  return {
    async history(request: FastifyRequest) {
      needHistory();
      const entries = await historyOf(subjectOf(request, context));
      const items = entries.map((entry) => ({ ...entry, object: objectIn(kind, apiVersion, entry.object) }));
      return { kind: 'History', items };
    },

    async rollback(request: FastifyRequest, reply: FastifyReply) {
      needHistory();
      const wanted = await readWanted(request);
      const subject = subjectOf(request, context);
      if ((await own.get(subject.key)) === null) refuseAdapterName(subject, book);
      for (let attempt = 1; ; attempt++) {
        const object = chosen(await historyOf(subject), wanted, subject);
        const read = checkedAgain(object, context, request);
        const { result, isNew } = await writeVersion(request, subject, read);
        if (!result.ok && attempt < attempts) continue; // changed, deleted or created concurrently
        if (!result.ok) throw new ApiError(refusalStatus(result.error, subject, book));
        const [unresolved = []] = await unresolvedIn([read], context);
        warn(reply, [...read.warnings, ...unresolved]);
        reply.code(isNew ? 201 : 200);
        const isTried = isDryRun(queryOf(request));
        const shown = isTried ? as.showDryRun(result.value, await own.get(subject.key)) : as.show(result.value);
        return objectAnswer(request, shown, as);
      }
    },
  };
}

async function readWanted(request: FastifyRequest): Promise<string | null> {
  const item = await readBody(request);
  const parsed = rollbackSchema.safeParse(item?.value ?? {}, { reportInput: true });
  if (parsed.success) return parsed.data.resourceVersion ?? null;
  const problems = schemaProblems(rollbackSchema, parsed.error, '');
  throw new ApiError(invalid({ kind: 'Rollback', group: '', name: '' }, problems));
}

/** Returns the requested version; by default the previous one, or the last one of a deleted object. */
function chosen(
  entries: readonly [HistoryEntry, ...HistoryEntry[]],
  wanted: string | null,
  subject: Subject,
): StoredObject {
  const [newest, before] = entries;
  if (wanted !== null) {
    const entry = entries.find(({ resourceVersion }) => resourceVersion === wanted);
    if (entry !== undefined) return entry.object;
    const known = entries.map(({ resourceVersion }) => resourceVersion).join(', ');
    const message = `${subject.kind.plural} "${subject.key.name}" has no version ${wanted} in its history; there are ${known}`;
    throw new ApiError(failure('Expired', message, detailsOf(subject)));
  }
  if (newest.type === 'removed') return newest.object;
  if (before !== undefined) return before.object;
  const message = `${subject.kind.plural} "${subject.key.name}" has no version before this one`;
  throw new ApiError(failure('Expired', message, detailsOf(subject)));
}

/** Checks an old version again, because it may not satisfy the current schema. */
function checkedAgain(
  { metadata, ...object }: StoredObject,
  { kind }: KindContext,
  request: FastifyRequest,
): CheckedObject {
  const { name, namespace, labels, annotations } = metadata;
  const value = { ...object, metadata: { name, namespace, labels, annotations } };
  const read = checkObject({ value, duplicates: [] }, kind, fieldValidationOf(queryOf(request)));
  if (read.ok) return read.value;
  throw new ApiError(invalid({ kind: kind.kind, group: kind.group, name }, read.error));
}
