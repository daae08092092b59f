import { z } from 'zod';
import type { NamespaceBook } from './book.ts';
import { serviceList } from './messages.ts';
import { defaultGroup, type NacosService, parseNameKey } from './names.ts';
import type { Payload } from './payload.ts';

/** Requests to the server of a connection. */
export type SendRequest = (type: string, body: Payload['body']) => Promise<Payload['body']>;

/** HTTP GET to the server of a connection: JSON, or null if it has no such path. */
export type HttpGet = (path: string, query: Readonly<Record<string, string>>) => Promise<unknown>;

const pageSize = 500;
/** Most pages that are read of one list: a million services. */
const maxPages = 2_000;

/** Reads all names of a group. */
export async function namesOfGroup(
  request: SendRequest,
  namespace: string,
  groupName: string,
): Promise<readonly string[]> {
  const names: string[] = [];
  for (let pageNo = 1; pageNo <= maxPages; pageNo++) {
    const body = { namespace, groupName, serviceName: '', pageNo, pageSize, module: 'naming' };
    const { count, serviceNames } = serviceList.parse(await request('ServiceListRequest', body));
    // A server may put the group before each name.
    names.push(...(serviceNames ?? []).map((name) => parseNameKey(`-@@${name}`)?.name ?? name));
    if ((serviceNames ?? []).length === 0 || names.length >= count) break;
  }
  return names;
}

const name = z.object({ name: z.string(), groupName: z.string() });
/** Page of 2.x. */
const catalog = z
  .object({ count: z.number(), serviceList: z.array(name) })
  .transform(({ count, serviceList: names }) => ({ count, names }));
/** Page of 3.x. */
const adminList = z
  .object({ data: z.object({ totalCount: z.number(), pageItems: z.array(name) }) })
  .transform(({ data: { totalCount: count, pageItems: names } }) => ({ count, names }));

/** Lists of all groups, which servers tell over HTTP only. */
const catalogs = {
  2: { path: '/v1/ns/catalog/services', query: { withInstances: 'false' }, page: catalog },
  3: { path: '/v3/admin/ns/service/list', query: { serviceNameParam: '', groupNameParam: '' }, page: adminList },
} as const;

/** Reads the groups of a namespace, from a server of 2.x or 3.x. Null: it does not tell, or not this user. */
export async function groupsOfCatalog(
  get: HttpGet,
  namespaceId: string,
  version: keyof typeof catalogs,
): Promise<readonly string[] | null> {
  const { path, query, page } = catalogs[version];
  const groups = new Set<string>();
  let read = 0;
  for (let pageNo = 1; pageNo <= maxPages; pageNo++) {
    const paging = { pageNo: String(pageNo), pageSize: String(pageSize), namespaceId };
    const answer = page.safeParse(await get(path, { ...query, ...paging }));
    if (!answer.success) return null;
    for (const { groupName } of answer.data.names) groups.add(groupName);
    read += answer.data.names.length;
    if (answer.data.names.length === 0 || read >= answer.data.count) break;
  }
  return [...groups];
}

export interface Comparison {
  readonly book: NamespaceBook;
  readonly request: SendRequest;
  readonly get: HttpGet;
  /** Version of the server. One of 3.x tells names by itself as well, but not all. */
  readonly version: 2 | 3;
  readonly namespace: string;
  readonly nowMs: number;
}

/** Result of a comparison of names. */
export interface ComparedNames {
  readonly added: readonly NacosService[];
  /** The server tells which groups there are. */
  readonly hasGroups: boolean;
}

/**
 * Compares the book with the lists of all groups. Groups are those that are given, or else those of the book, which a
 * fuzzy watch fills, and of the server's catalogue.
 */
export async function compareNames(
  { book, request, get, version, namespace, nowMs }: Comparison,
  groups: readonly string[] | null,
): Promise<ComparedNames> {
  const catalogued = groups === null ? groupsOfCatalog(get, namespace, version) : Promise.resolve(null);
  // 3.x tells most names by itself, and its HTTP port may be closed.
  const found = await (version === 3 ? catalogued.catch(() => null) : catalogued);
  const all = new Set(groups ?? [defaultGroup, ...book.groups(), ...(found ?? [])]);
  const added: NacosService[] = [];
  for (const group of all) added.push(...book.listed(group, await namesOfGroup(request, namespace, group), nowMs));
  return { added, hasGroups: groups !== null || found !== null };
}
