import type { FastifyReply, FastifyRequest } from 'fastify';
import type { StoredObject, StoreWrite } from '../../../rules/store.ts';
import { ApiError } from '../../status.ts';
import { sendList } from '../answers/list-answer.ts';
import { type KindContext, namespaceOf } from '../context.ts';
import { isAdapterObject } from '../objects/adapter-objects.ts';
import { readDeleteOptions } from '../objects/delete-options.ts';
import { queryOf } from '../parameters.ts';
import { refusalStatus } from '../refusals.ts';
import { authorship } from '../request-facts.ts';
import { selectionOf } from '../selectors/selection.ts';
import { wantsWatch } from '../watch/options.ts';
import { type ItemsOutcome, writeItems } from './write-items.ts';

/** Attempts of a deletion while concurrent writes conflict with it. */
const attempts = 16;

/** Handlers of lists of one kind in one version. */
export function listHandlers(context: KindContext) {
  const { kind, as, store, book, pages, watches } = context;

  const selected = async (request: FastifyRequest) => {
    const namespace = namespaceOf(request, kind);
    const [list, selection] = [await store.list(kind.kind, namespace ?? undefined), selectionOf(queryOf(request))];
    return { list, selection, namespace };
  };

  return {
    async list(request: FastifyRequest, reply: FastifyReply) {
      const query = queryOf(request);
      if (wantsWatch(query)) {
        const matches = selectionOf(query).includes;
        return watches.watchObjects(request, reply, { as, namespace: namespaceOf(request, kind), matches });
      }
      const list = pages.page(query, { kind: kind.kind, ...(await selected(request)) });
      watches.noteList(String(list.metadata.resourceVersion));
      return sendList(request, reply, { list, as });
    },

    /** Deletes the selected objects and returns them; all or none, where the store has transactions. */
    async removeAll(request: FastifyRequest, reply: FastifyReply) {
      const options = await readDeleteOptions(request);
      const gone: StoredObject[] = [];
      for (let attempt = 1; ; attempt++) {
        const { list, selection } = await selected(request);
        const items = list.items.filter((object) => selection.includes(object) && !isAdapterObject(object));
        const author = authorship(request, options.dryRun);
        // Kubernetes' deletions of a list are no transaction either.
        const removed: ItemsOutcome =
          items.length === 0
            ? { ok: true, value: [] }
            : await writeItems(store, items.map(removal), { author, atomic: false });
        for (const { object } of removed.ok ? removed.value : removed.error.written) gone.push(object);
        if (removed.ok) {
          const { resourceVersion } = options.dryRun ? list : await store.list(kind.kind, '');
          return sendList(request, reply, { list: { items: gone, metadata: { resourceVersion } }, as });
        }
        const item = items[removed.error.index];
        if (attempt < attempts || item === undefined) continue; // changed or deleted concurrently
        const { namespace, name } = item.metadata;
        const subject = { kind, key: { kind: kind.kind, namespace, name } };
        throw new ApiError(refusalStatus(removed.error.refusal, subject, book));
      }
    },
  };
}

/** Builds a removal bound to the version that was selected: a changed object may no longer match the selector. */
const removal = ({ kind, metadata: { namespace, name, resourceVersion } }: StoredObject): StoreWrite => ({
  type: 'remove',
  key: { kind, namespace, name },
  expectedResourceVersion: resourceVersion,
});
