import { randomInt } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ObjectDraft, StoredObject } from '../../../rules/store.ts';
import { isRecord } from '../../../rules/validation/validate.ts';
import { success } from '../../status.ts';
import type { BodyItem } from '../body/contract.ts';
import { readBody } from '../body/read-body.ts';
import { type KindContext, subjectOf, urlNames } from '../context.ts';
import { readDeleteOptions } from '../objects/delete-options.ts';
import { type CheckedObject, readBodyObject } from '../objects/read-object.ts';
import { refuseNamespaceInUse } from '../objects/refuse-namespace.ts';
import { fieldValidationOf, queryOf } from '../parameters.ts';
import { readPatch } from '../patches/patch.ts';
import { detailsOf, refuseOtherUid } from '../refusals.ts';
import { authorship } from '../request-facts.ts';
import { objectWrites, writeAttempts } from './object-writes.ts';

/** Handlers of single objects of one kind in one version. */
export function objectHandlers(context: KindContext) {
  const { apiVersion, as, store } = context;
  const { answer, writeAnswer, existing, written, warnOf, createOnce, writeAgainst, subjectOfDraft } =
    objectWrites(context);

  return {
    async get(request: FastifyRequest) {
      return answer(request, await existing(subjectOf(request, context)));
    },

    async create(request: FastifyRequest, reply: FastifyReply) {
      const [item, validation] = [await readBody(request), fieldValidationOf(queryOf(request))];
      const prefix = generateNameOf(item);
      for (let attempt = 1; ; attempt++) {
        const name = prefix === null ? null : generatedName(prefix);
        const read = readBodyObject(item, { ...urlNames(request, context), name }, validation);
        const result = await createOnce(request, read);
        if (!result.ok && name !== null && attempt < writeAttempts) continue; // the generated name is taken
        const object = written(result, subjectOfDraft(read.draft));
        await warnOf(reply, read);
        reply.code(201);
        return writeAnswer(request, object);
      }
    },

    async replace(request: FastifyRequest, reply: FastifyReply) {
      const [item, validation] = [await readBody(request), fieldValidationOf(queryOf(request))];
      const read = readBodyObject(item, urlNames(request, context), validation);
      const { draft, resourceVersion, uid } = read;
      const subject = subjectOf(request, context);
      const object = await writeAgainst(subject, async (current) => {
        refuseOtherUid(subject, uid, current.metadata.uid);
        // Without a uid to compare, the current object does not matter and may change.
        const seen = uid === null ? null : current.metadata.resourceVersion;
        const expectedResourceVersion = resourceVersion ?? seen;
        const result = await store.update(draft, { ...authorship(request), expectedResourceVersion });
        return { result, isBound: resourceVersion !== null };
      });
      await warnOf(reply, read);
      return writeAnswer(request, object);
    },

    async patch(request: FastifyRequest, reply: FastifyReply) {
      const [subject, place] = [subjectOf(request, context), urlNames(request, context)];
      const [patch, validation] = [await readPatch(request, subject), fieldValidationOf(queryOf(request))];
      let merged: CheckedObject | null = null;
      const object = await writeAgainst(subject, async (current) => {
        const { resourceVersion: seen, uid } = current.metadata;
        const read = readBodyObject({ document: 1, ...patch(as.show(current)) }, place, validation);
        refuseOtherUid(subject, read.uid, uid);
        merged = read;
        // A version in the patch is its author's condition. Otherwise the object that was patched must be unchanged.
        const expectedResourceVersion = read.resourceVersion ?? seen;
        const draft = keepVersion(read.draft, current, apiVersion);
        const result = await store.update(draft, { ...authorship(request), expectedResourceVersion });
        return { result, isBound: expectedResourceVersion !== seen };
      });
      if (merged !== null) await warnOf(reply, merged);
      return writeAnswer(request, object);
    },

    async remove(request: FastifyRequest) {
      const options = await readDeleteOptions(request);
      const subject = subjectOf(request, context);
      const { metadata } = await writeAgainst(subject, async (current) => {
        refuseOtherUid(subject, options.uid, current.metadata.uid);
        await refuseNamespaceInUse(subject, store);
        const seen = options.uid === null ? null : current.metadata.resourceVersion;
        const expectedResourceVersion = options.resourceVersion ?? seen;
        const result = await store.remove(subject.key, {
          ...authorship(request, options.dryRun),
          expectedResourceVersion,
        });
        return { result, isBound: options.resourceVersion !== null };
      });
      return success({ ...detailsOf(subject), uid: metadata.uid });
    },
  };
}

/** Keeps the API version of the object if the patch, sent in another version, does not change it. */
function keepVersion(draft: ObjectDraft, current: StoredObject, shownVersion: string): ObjectDraft {
  return draft.apiVersion === shownVersion ? { ...draft, apiVersion: current.apiVersion } : draft;
}

/** Returns the prefix of a name to generate; null if the object has a name or asks for none. */
function generateNameOf(item: BodyItem | null): string | null {
  const metadata = isRecord(item?.value) ? item.value.metadata : null;
  if (!isRecord(metadata) || typeof metadata.generateName !== 'string' || metadata.generateName === '') return null;
  return metadata.name === undefined || metadata.name === null || metadata.name === '' ? metadata.generateName : null;
}

/**
 * Letters of generated names, as in Kubernetes: no vowels, to avoid words, and no characters that are easily confused.
 */
const nameLetters = 'bcdfghjklmnpqrstvwxz2456789';
const suffixLength = 5;
const maxGeneratedLength = 63;

function generatedName(prefix: string): string {
  const letters = Array.from({ length: suffixLength }, () => nameLetters.charAt(randomInt(nameLetters.length)));
  return `${prefix.slice(0, maxGeneratedLength - suffixLength)}${letters.join('')}`;
}
