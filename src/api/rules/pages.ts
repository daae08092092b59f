import type { Clock } from '../../lib/clock.ts';
import { compareText, type RuleMetadata } from '../../rules/rule.ts';
import type { ObjectList, StoredObject } from '../../rules/store.ts';
import { ApiError, failure } from '../status.ts';
import type { ListAnswer } from './answers/list-answer.ts';
import { choiceParameter, countParameter, textParameter } from './parameters.ts';
import type { ObjectSelection } from './selectors/selection.ts';

type Query = Readonly<Record<string, unknown>>;

/** Scope of a list request. */
export interface PageScope {
  readonly kind: string;
  /** Namespace of the list; null for all namespaces. */
  readonly namespace: string | null;
  readonly selection: ObjectSelection;
  /** Current list. */
  readonly list: ObjectList;
}

/** Serves lists in pages. All pages of one walk show the moment of the first page, as long as its list is cached. */
export interface Pages {
  /** Returns a page. Throws a 400 for invalid parameters and a 410 `Expired` for a list that is no longer cached. */
  page(query: Query, scope: PageScope): ListAnswer;
}

/** Lifetime of a cached list. etcd keeps old versions for Kubernetes equally long. */
const cacheMs = 5 * 60_000;
/** Maximum number of cached lists. Lists share their objects; each holds one reference per object. */
const maxCached = 100;

interface CachedList {
  readonly list: ObjectList;
  readonly timeMs: number;
}

export function createPages(clock: Clock): Pages {
  const cached = new Map<string, CachedList>(); // oldest first

  const forgetOld = () => {
    for (const [key, { timeMs }] of cached) {
      if (cached.size <= maxCached && timeMs > clock.now() - cacheMs) return;
      cached.delete(key);
    }
  };
  const keep = (key: string, list: ObjectList) => {
    cached.delete(key); // moves the entry to the end
    cached.set(key, { list, timeMs: clock.now() });
    forgetOld();
  };
  const keyOf = ({ kind, namespace }: PageScope, version: string) => `${kind} ${namespace ?? '*'} ${version}`;

  /** Returns the list of a version, current or cached. */
  const listOf = (scope: PageScope, version: string): ObjectList | null => {
    if (version === scope.list.resourceVersion) return scope.list;
    forgetOld();
    return cached.get(keyOf(scope, version))?.list ?? null;
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
      // Like Kubernetes, no count of the rest is given with selectors.
      const count = selection.isAll ? { remainingItemCount: rest } : {};
      return { items, metadata: { resourceVersion, continue: token, ...count } };
    },
  };
}

interface Beginning {
  readonly list: ObjectList;
  /** Name after which the page starts; null for the first page. */
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
      throw new ApiError(failure('Expired', message));
    }
  }
  if (Number(version) > Number(scope.list.resourceVersion)) throw notYet(version, scope.list.resourceVersion);
  return { list: scope.list, after: null };
}

function continued(text: string, scope: PageScope, listOf: ListOf): Beginning {
  const token = readToken(text);
  if (token === null) throw badRequest('continue must be the token of the previous page: start without it');
  if (token.scope !== scopeName(scope)) throw badRequest('continue is of another list: begin without it');
  const { version, after } = token;
  if (version === null) return { list: scope.list, after };
  const list = listOf(scope, version);
  if (list !== null) return { list, after };
  const message =
    'the list that this page is of is not kept any more: begin without continue, or go on with what is there now with the continue of this answer';
  const status = failure('Expired', message);
  throw new ApiError({ ...status, metadata: { continue: writeToken({ ...token, version: null }) } });
}

/** Builds the error that Kubernetes returns for a future version. Its clients wait and retry. */
function notYet(version: string, current: string): ApiError {
  const message = `Too large resource version: ${version}, current: ${current}`;
  const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version', field: '' }];
  return new ApiError(failure('Timeout', message, { causes, retryAfterSeconds: 1 }));
}

interface Name {
  readonly namespace: string;
  readonly name: string;
}

/** Content of `continue`. It needs no signature: a forged token grants nothing beyond what its sender may list. */
interface Token {
  readonly scope: string;
  /** Version of the list; null for the current one at the time of use. */
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
    return null; // not written by writeToken
  }
}

/** Binary search; lists are sorted by namespace, then name. */
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

const badRequest = (message: string): ApiError => new ApiError(failure('BadRequest', message));
