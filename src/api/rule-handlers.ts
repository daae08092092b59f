import type { FastifyReply, FastifyRequest } from 'fastify';
import { assertNever } from '../lib/assert-never.ts';
import type { RuleBook } from '../rules/book/rule-book.ts';
import { type RuleKind, ruleId } from '../rules/rule.ts';
import type { ObjectDraft, RuleStore, StoredObject, WriteResult } from '../rules/store/store.ts';
import { mergePatch } from './merge-patch.ts';
import { type Place, readObject } from './rule-body.ts';
import { failure, type Status, StatusError, success } from './status.ts';

export interface RulesApiOptions {
  readonly kinds: readonly RuleKind[];
  readonly store: RuleStore;
  /** Knows which names adapters define: those are not taken. */
  readonly book: Pick<RuleBook, 'adapterOrigin'>;
}

interface KindOptions extends RulesApiOptions {
  readonly kind: RuleKind;
  /** The version of the URL: answers are written in it. */
  readonly version: string;
}

interface Params {
  readonly namespace?: string;
  readonly name?: string;
}

/** How often a patch is tried again when somebody else wrote in between. */
const patchAttempts = 5;

const maxAuthorLength = 200;

/** The handlers of one kind in one version. */
export function ruleHandlers({ kind, version, store, book }: KindOptions) {
  const apiVersion = `${kind.group}/${version}`;
  const place = (request: FastifyRequest): Place => {
    const { namespace = '', name = null } = request.params as Params; // of the URLs in rules.ts
    return { kind, apiVersion, namespace, name };
  };
  const keyOf = ({ namespace, name }: Place) => ({ kind: kind.kind, namespace, name: name ?? '' });
  const shown = (object: StoredObject) => ({ ...object, apiVersion }); // one stored object, in every version

  const missing = (where: Place): Status => {
    const key = keyOf(where);
    const origin = book.adapterOrigin(ruleId({ kind: key.kind, metadata: key }));
    const elsewhere = origin === null ? '' : ` of the store; ${origin} defines it: change it there`;
    const message = `${kind.plural} "${key.name}" not found in namespace "${key.namespace}"${elsewhere}`;
    return failure('NotFound', message, { name: key.name, group: kind.group, kind: kind.plural });
  };

  const written = (result: WriteResult, where: Place): StoredObject => {
    if (result.ok) return result.value;
    const details = { name: where.name ?? '', group: kind.group, kind: kind.plural };
    switch (result.error.type) {
      case 'missing':
        throw new StatusError(missing(where));
      case 'exists': {
        const { name } = result.error.current.metadata;
        const message = `${kind.plural} "${name}" already exists; change it with PUT or PATCH`;
        throw new StatusError(failure('AlreadyExists', message, { ...details, name }));
      }
      case 'conflict': {
        const { name, resourceVersion } = result.error.current.metadata;
        const message = `${kind.plural} "${name}" was changed meanwhile (it has resourceVersion ${resourceVersion} now): read it again and repeat the change`;
        throw new StatusError(failure('Conflict', message, details));
      }
      default:
        return assertNever(result.error);
    }
  };

  const patchOnce = async (request: FastifyRequest, where: Place): Promise<WriteResult> => {
    const current = await store.get(keyOf(where));
    if (current === null) throw new StatusError(missing(where));
    const { draft, resourceVersion } = readObject(mergePatch(shown(current), request.body), where);
    return store.update(keepVersion(draft, current, apiVersion), {
      author: authorOf(request),
      // A version in the patch is its author's own condition; without one, what it was merged into must still stand.
      expectedResourceVersion: resourceVersion ?? current.metadata.resourceVersion,
    });
  };

  return {
    async list(request: FastifyRequest) {
      const { namespace } = request.params as Params; // as in `place`
      const { items, resourceVersion } = await store.list(kind.kind, namespace);
      return { apiVersion, kind: `${kind.kind}List`, metadata: { resourceVersion }, items: items.map(shown) };
    },
    async get(request: FastifyRequest) {
      const where = place(request);
      const object = await store.get(keyOf(where));
      if (object === null) throw new StatusError(missing(where));
      return shown(object);
    },
    async create(request: FastifyRequest, reply: FastifyReply) {
      const where = place(request);
      const { draft } = readObject(request.body, where);
      const { name } = draft.metadata;
      const origin = book.adapterOrigin(ruleId(draft));
      if (origin !== null) {
        const message = `${kind.plural} "${name}" is defined by ${origin}: change it there, or take another name`;
        throw new StatusError(failure('AlreadyExists', message, { name, group: kind.group, kind: kind.plural }));
      }
      const object = written(await store.create(draft, { author: authorOf(request) }), where);
      reply.code(201);
      return shown(object);
    },
    async replace(request: FastifyRequest) {
      const where = place(request);
      const { draft, resourceVersion: expectedResourceVersion } = readObject(request.body, where);
      const options = { author: authorOf(request), expectedResourceVersion };
      return shown(written(await store.update(draft, options), where));
    },
    async patch(request: FastifyRequest) {
      const where = place(request);
      let result = await patchOnce(request, where);
      for (let attempt = 1; isConflict(result) && attempt < patchAttempts; attempt++) {
        result = await patchOnce(request, where);
      }
      return shown(written(result, where));
    },
    async remove(request: FastifyRequest) {
      const where = place(request);
      const options = { author: authorOf(request), expectedResourceVersion: preconditionOf(request.body) };
      const { metadata } = written(await store.remove(keyOf(where), options), where);
      return success({ name: metadata.name, group: kind.group, kind: kind.plural, uid: metadata.uid });
    },
  };
}

/** A patch of another version of the API than the object was written in does not by itself change the object. */
function keepVersion(draft: ObjectDraft, current: StoredObject, shownVersion: string): ObjectDraft {
  return draft.apiVersion === shownVersion ? { ...draft, apiVersion: current.apiVersion } : draft;
}

const isConflict = (result: WriteResult): boolean => !result.ok && result.error.type === 'conflict';

/** `preconditions` of Kubernetes' DeleteOptions, which kubectl sends; the rest of it has no meaning here. */
function preconditionOf(body: unknown): string | null {
  const options = body as { preconditions?: { resourceVersion?: unknown } } | null | undefined; // of any shape
  const version = options?.preconditions?.resourceVersion;
  return typeof version === 'string' ? version : null;
}

/** Who writes, as they say: there is no authentication on this port, so this is a note and no proof. */
function authorOf(request: FastifyRequest): string {
  const said = request.headers['x-binnacle-author'] ?? request.headers['user-agent'] ?? '';
  return String(said).slice(0, maxAuthorLength) || 'unknown';
}
