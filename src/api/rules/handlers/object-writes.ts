import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ObjectDraft, StoredObject, WriteResult } from '../../../rules/store.ts';
import { ApiError } from '../../status.ts';
import { objectAnswer } from '../answers/list-answer.ts';
import type { KindContext } from '../context.ts';
import { isAdapterObject } from '../objects/adapter-objects.ts';
import type { CheckedObject } from '../objects/read-object.ts';
import { isDryRun, queryOf } from '../parameters.ts';
import { notFound, refusalStatus, refuseAdapterName, type Subject } from '../refusals.ts';
import { authorship, warn } from '../request-facts.ts';
import { unresolvedIn } from '../unresolved.ts';

/** Attempts of a write while concurrent writes conflict with it. */
export const writeAttempts = 16;

/** Steps that the handlers of single objects share: reading the current object, writing against it, answering. */
export function objectWrites(context: KindContext) {
  const { kind, as, store, own, book } = context;
  const answer = (request: FastifyRequest, object: StoredObject) => objectAnswer(request, as.show(object), as);

  const existing = async (subject: Subject): Promise<StoredObject> => {
    const object = await store.get(subject.key);
    if (object === null) throw new ApiError(notFound(subject, book));
    return object;
  };

  /** Returns the current object. Throws if an adapter defines it. */
  const writable = async (subject: Subject): Promise<StoredObject> => {
    const object = await existing(subject);
    if (isAdapterObject(object)) refuseAdapterName(subject, book);
    return object;
  };

  const written = (result: WriteResult, subject: Subject): StoredObject => {
    if (result.ok) return result.value;
    throw new ApiError(refusalStatus(result.error, subject, book));
  };

  const subjectOfDraft = ({ metadata: { namespace, name } }: ObjectDraft): Subject => ({
    kind,
    key: { kind: kind.kind, namespace, name },
  });

  return {
    answer,
    existing,
    written,
    subjectOfDraft,

    /**
     * Answers a write. A dry run shows the status of the current object: computing one would record it for the object.
     */
    async writeAnswer(request: FastifyRequest, object: StoredObject) {
      if (!isDryRun(queryOf(request))) return answer(request, object);
      const { namespace, name } = object.metadata;
      const current = await own.get({ kind: kind.kind, namespace, name });
      return objectAnswer(request, as.showDryRun(object, current), as);
    },

    async warnOf(reply: FastifyReply, read: CheckedObject): Promise<void> {
      const [unresolved = []] = await unresolvedIn([read], context);
      warn(reply, [...read.warnings, ...unresolved]);
    },

    async createOnce(request: FastifyRequest, { draft }: CheckedObject): Promise<WriteResult> {
      refuseAdapterName(subjectOfDraft(draft), book);
      return store.create(draft, authorship(request));
    },

    /** Decides and writes against the current object. Retries if it changed in between. */
    async writeAgainst(
      subject: Subject,
      write: (current: StoredObject) => Promise<{ readonly result: WriteResult; readonly isBound: boolean }>,
    ): Promise<StoredObject> {
      for (let attempt = 1; ; attempt++) {
        const { result, isBound } = await write(await writable(subject));
        const again = !result.ok && result.error.type === 'conflict' && !isBound && attempt < writeAttempts;
        if (!again) return written(result, subject);
      }
    },
  };
}
