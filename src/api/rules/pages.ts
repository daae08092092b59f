import type { Clock } from '../../lib/clock.ts';
import { compareText, type RuleMetadata } from '../../rules/rule.ts';
import type { ObjectList, StoredObject } from '../../rules/store/store.ts';
import { failure, StatusError } from '../status.ts';
import type { ListAnswer } from './answers/list-answer.ts';
import { choiceParameter, countParameter, textParameter } from './parameters.ts';
import type { Selection } from './selectors/selection.ts';

type Query = Readonly<Record<string, unknown>>;

/** The list that a request is about. */
export interface PageScope {
  readonly kind: string;
  /** Null: of all namespaces. */
  readonly namespace: string | null;
  readonly selection: Selection;
  /** What is there now. */
  readonly list: ObjectList;
}

/** Gives out lists in pages. All pages of one walk are of the moment of the first, as long as its list is kept. */
export interface Pages {
  /** Throws a 400 for parameters that make no sense, a 410 `Expired` for what is not kept any more. */
  page(query: Query, scope: PageScope): ListAnswer;
}

/** As long as etcd keeps old versions for Kubernetes. */
const keptForMs = 5 * 60_000;
/** Lists share their objects; each is as long as there are objects. */
const maxKept = 100;

interface Kept {
  readonly list: ObjectList;
  readonly timeMs: number;
}

export function createPages(clock: Clock): Pages {
  const kept = new Map<string, Kept>(); // oldest first

  const forgetOld = () => {
    for (const [key, { timeMs }] of kept) {
      if (kept.size <= maxKept && timeMs > clock.now() - keptForMs) return;
      kept.delete(key);
    }
  };
  const keep = (key: string, list: ObjectList) => {
    kept.delete(key); // to the end
    kept.set(key, { list, timeMs: clock.now() });
    forgetOld();
  };
  const keyOf = ({ kind, namespace }: PageScope, version: string) => `${kind} ${namespace ?? '*'} ${version}`;

  /** The list of a version: the one of now, or a kept one. */
  const listOf = (scope: PageScope, version: string): ObjectList | null => {
    if (version === scope.list.resourceVersion) return scope.list;
    forgetOld();
    return kept.get(keyOf(scope, version))?.list ?? null;
  };

  return {
    page(query, scope) {
      const limit = countParameter(query, 'limit') ?? 0;
      const { list, after } = beginning(query, scope, listOf);
      const { selection } = scope;
      const from = after === null ? 0 : firstBehind(list.items, after);
      const items: StoredObject[] = [];
      let next = from;
      for (; next < list.items.length && (limit === 0 || items.length < limit); next++) {
        const object = list.items[next];
        if (object !== undefined && selection.includes(object)) items.push(object);
      }
      const { resourceVersion } = list;
      const last = items.at(-1);
      const rest = list.items.length - next;
      const isMore = selection.isAll ? rest > 0 : list.items.slice(next).some(selection.includes);
      if (!isMore || last === undefined) return { items, metadata: { resourceVersion } };

      keep(keyOf(scope, resourceVersion), list);
      const token = writeToken({ scope: scopeName(scope), version: resourceVersion, after: nameOf(last.metadata) });
      // With selectors, Kubernetes does not count what is left either.
      const count = selection.isAll ? { remainingItemCount: rest } : {};
      return { items, metadata: { resourceVersion, continue: token, ...count } };
    },
  };
}

interface Beginning {
  readonly list: ObjectList;
  /** Goes on behind this name; null begins at the start. */
  readonly after: Name | null;
}

type ListOf = (scope: PageScope, version: string) => ObjectList | null;

function beginning(query: Query, scope: PageScope, listOf: ListOf): Beginning {
  const version = textParameter(query, 'resourceVersion');
  const match = choiceParameter(query, 'resourceVersionMatch', { choices: ['Exact', 'NotOlderThan'], otherwise: '' });
  if (!/^\d{0,19}$/.test(version)) {
    throw badRequest(`resourceVersion must be a number that an answer gave, not ${JSON.stringify(version)}`);
  }
  const token = textParameter(query, 'continue');
  if (token !== '') {
    if (version !== '' && version !== '0') throw badRequest('resourceVersion cannot be given with continue');
    if (match !== '') throw badRequest('resourceVersionMatch cannot be given with continue');
    return continued(token, scope, listOf);
  }
  if (match !== '' && version === '') throw badRequest(`resourceVersionMatch=${match} needs a resourceVersion`);
  if (match === 'Exact' && version === '0') throw badRequest('resourceVersionMatch=Exact needs a version other than 0');
  if (match === 'Exact') {
    const list = listOf(scope, version);
    if (list !== null) return { list, after: null };
    if (Number(version) <= Number(scope.list.resourceVersion)) {
      const message = `the list of resourceVersion ${version} is not kept: leave out resourceVersionMatch=Exact`;
      throw new StatusError(failure('Expired', message));
    }
  }
  if (Number(version) > Number(scope.list.resourceVersion)) throw notYet(version, scope.list.resourceVersion);
  return { list: scope.list, after: null };
}

function continued(text: string, scope: PageScope, listOf: ListOf): Beginning {
  const token = readToken(text);
  if (token === null) throw badRequest('continue must be what the page before gave: begin without it');
  if (token.scope !== scopeName(scope)) throw badRequest('continue is of another list: begin without it');
  const { version, after } = token;
  if (version === null) return { list: scope.list, after };
  const list = listOf(scope, version);
  if (list !== null) return { list, after };
  const message =
    'the list that this page is of is not kept any more: begin without continue, or go on with what is there now with the continue of this answer';
  const status = failure('Expired', message);
  throw new StatusError({ ...status, metadata: { continue: writeToken({ ...token, version: null }) } });
}

/** As Kubernetes says it; its clients wait and ask again. */
function notYet(version: string, current: string): StatusError {
  const message = `Too large resource version: ${version}, current: ${current}`;
  const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version', field: '' }];
  return new StatusError(failure('Timeout', message, { causes, retryAfterSeconds: 1 }));
}

interface Name {
  readonly namespace: string;
  readonly name: string;
}

/** What `continue` holds. Not signed: whoever writes one gets what he may list anyway. */
interface Token {
  readonly scope: string;
  /** Null: of what is there when it is used. */
  readonly version: string | null;
  readonly after: Name;
}

const scopeName = ({ kind, namespace }: PageScope): string => `${kind} ${namespace ?? '*'}`;

const nameOf = ({ namespace, name }: RuleMetadata): Name => ({ namespace, name });

const writeToken = ({ scope, version, after }: Token): string =>
  Buffer.from(JSON.stringify([scope, version, after.namespace, after.name])).toString('base64url');

function readToken(text: string): Token | null {
  try {
    const [scope, version, namespace, name]: unknown[] = JSON.parse(Buffer.from(text, 'base64url').toString());
    if (typeof scope !== 'string' || typeof namespace !== 'string' || typeof name !== 'string') return null;
    if (version !== null && typeof version !== 'string') return null;
    return { scope, version, after: { namespace, name } };
  } catch {
    return null; // not what writeToken made
  }
}

/** Binary search: lists are by namespace, then name. */
function firstBehind(items: readonly StoredObject[], { namespace, name }: Name): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const metadata = items[middle]?.metadata;
    const isBehind =
      metadata === undefined || (compareText(metadata.namespace, namespace) || compareText(metadata.name, name)) > 0;
    if (isBehind) high = middle;
    else low = middle + 1;
  }
  return low;
}

const badRequest = (message: string): StatusError => new StatusError(failure('BadRequest', message));
