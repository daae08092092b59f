import type { FastifyReply, FastifyRequest } from 'fastify';
import { stringify } from 'yaml';
import { startSlices } from '../../../lib/slices.ts';
import type { ObjectKey, RuleStore, StoredObject, StoreWrite } from '../../../rules/store.ts';
import { yamlTypes } from '../../body.ts';
import { sendPieces } from '../../gzip.ts';
import { ApiError, failure } from '../../status.ts';
import { acceptables, isJson } from '../answers/negotiate.ts';
import { readObjects } from '../body/read-body.ts';
import type { ApiContext } from '../context.ts';
import { objectIn } from '../options.ts';
import { fieldValidationOf, isDryRun, isSwitchedOn, queryOf } from '../parameters.ts';
import { authorship, warn } from '../request-facts.ts';
import { batchResult, checkItems, refusedItem, warningsOf } from './batch.ts';
import type { BatchItem } from './batch-items.ts';
import { isAtomic, writeItems } from './write-items.ts';

/** Attempts of an import while concurrent deletions conflict with it. */
const attempts = 16;

/** Handlers of export and import. */
export function backupHandlers(context: ApiContext) {
  const { kinds, store, own } = context;

  /** Returns all written objects by kind, as of one moment. */
  const everything = async (): Promise<{ items: readonly StoredObject[]; resourceVersion: string }> => {
    const lists = await Promise.all(kinds.map((kind) => own.list(kind.kind)));
    // Namespaces that nobody created reappear with their objects.
    const items = lists.flatMap((list) => list.items).filter(({ metadata }) => metadata.resourceVersion !== '0');
    return { items, resourceVersion: lists[0]?.resourceVersion ?? '0' };
  };

  return {
    async exportAll(request: FastifyRequest, reply: FastifyReply) {
      const isYaml = wantsYaml(request);
      const { items, resourceVersion } = await everything();
      reply.type(isYaml ? 'application/yaml' : 'application/json');
      const shown = (object: StoredObject) => {
        const kind = kinds.find((one) => one.kind === object.kind);
        return kind === undefined ? object : objectIn(kind, object.apiVersion, object);
      };
      return sendPieces(request, reply, isYaml ? yamlOf(items, shown) : jsonOf(items, shown, resourceVersion));
    },

    async importAll(request: FastifyRequest, reply: FastifyReply) {
      const query = queryOf(request);
      const [validation, author] = [fieldValidationOf(query), authorship(request, isDryRun(query))];
      const atomic = isAtomic(query);
      const replaces = isSwitchedOn(query, 'replace');
      const bodies = await readObjects(request);
      if (bodies.length === 0)
        throw new ApiError(failure('BadRequest', 'the body is empty: send the output of export'));
      const items = await checkItems(bodies, context, validation);
      for (let attempt = 1; ; attempt++) {
        const others = replaces ? removals((await everything()).items, items) : [];
        const done = await writeItems(store, [...others, ...items.map(restoration)], { author, atomic });
        if (done.ok) {
          warn(reply, [...identityWarnings(store), ...(await warningsOf(items, context))]);
          return batchResult(done.value);
        }
        const { index } = done.error;
        if (index < others.length && attempt < attempts) continue; // deleted concurrently
        throw refusedItem(items[index - others.length], done.error, context);
      }
    },
  };
}

function wantsYaml(request: FastifyRequest): boolean {
  for (const acceptable of acceptables(request.headers.accept)) {
    if (acceptable.type === '*/*' || acceptable.type === 'application/*' || yamlTypes.includes(acceptable.type))
      return true;
    if (isJson(acceptable)) return false;
  }
  const message = `${request.headers.accept} is not served: accept application/yaml or application/json`;
  throw new ApiError(failure('NotAcceptable', message));
}

type Shown = (object: StoredObject) => unknown;

async function* yamlOf(items: readonly StoredObject[], shown: Shown): AsyncGenerator<string> {
  const slices = startSlices();
  for (const [index, object] of items.entries()) {
    // YAML 1.1 readers parse `yes` and `1_000` as other types than text, so they are quoted.
    const text = stringify(shown(object), { lineWidth: 0, aliasDuplicateObjects: false, compat: 'yaml-1.1' });
    yield index === 0 ? text : `---\n${text}`;
    if (slices.isOver) await slices.next();
  }
}

async function* jsonOf(items: readonly StoredObject[], shown: Shown, resourceVersion: string): AsyncGenerator<string> {
  yield `{"kind":"List","apiVersion":"v1","metadata":${JSON.stringify({ resourceVersion })},"items":[`;
  const slices = startSlices();
  for (const [index, object] of items.entries()) {
    yield `${index === 0 ? '' : ','}${JSON.stringify(shown(object))}`;
    if (slices.isOver) await slices.next();
  }
  yield ']}';
}

const idOf = ({ kind, namespace, name }: ObjectKey): string => `${kind}/${namespace}/${name}`;

const identityWarnings = ({ capabilities }: RuleStore): readonly string[] =>
  capabilities.ownIdentities
    ? []
    : ['uid and creationTimestamp, by which rules have precedence, were given anew by the cluster'];

/** Lists removals for existing objects that the import lacks. */
function removals(there: readonly StoredObject[], items: readonly BatchItem[]): readonly StoreWrite[] {
  const kept = new Set(items.map(({ key }) => idOf(key)));
  return there
    .map(({ kind, metadata: { namespace, name } }) => ({ kind, namespace, name }))
    .filter((key) => !kept.has(idOf(key)))
    .map((key) => ({ type: 'remove', key, expectedResourceVersion: null }));
}

/** Keeps creation time, which decides precedence, and UID, by which tools identify the object. */
const restoration = ({ read: { draft, creationTimestamp, uid } }: BatchItem): StoreWrite => ({
  type: 'restore',
  draft,
  creationTimestamp,
  uid,
});
