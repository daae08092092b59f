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

const catalog = z.object({
  count: z.number(),
  serviceList: z.array(z.object({ name: z.string(), groupName: z.string() })),
});

/** Reads the groups of a namespace from a 2.x server, which tells them over HTTP only. Null: it does not tell. */
export async function groupsOfCatalog(get: HttpGet, namespaceId: string): Promise<readonly string[] | null> {
  const groups = new Set<string>();
  let read = 0;
  for (let pageNo = 1; pageNo <= maxPages; pageNo++) {
    const query = { withInstances: 'false', pageNo: String(pageNo), pageSize: String(pageSize), namespaceId };
    const page = catalog.safeParse(await get('/v1/ns/catalog/services', query));
    if (!page.success) return null;
    for (const { groupName } of page.data.serviceList) groups.add(groupName);
    read += page.data.serviceList.length;
    if (page.data.serviceList.length === 0 || read >= page.data.count) break;
  }
  return [...groups];
}

export interface Comparison {
  readonly book: NamespaceBook;
  readonly request: SendRequest;
  /** Null: the server tells the groups by itself. */
  readonly get: HttpGet | null;
  readonly namespace: string;
  readonly nowMs: number;
}

/**
 * Compares the book with the lists of all groups. Returns the names that are new. A group that is named nowhere is
 * known from the book, which a fuzzy watch fills, or from a 2.x server's catalogue.
 */
export async function compareNames(
  { book, request, get, namespace, nowMs }: Comparison,
  groups: readonly string[] | null,
): Promise<readonly NacosService[]> {
  const found = get === null || groups !== null ? null : await groupsOfCatalog(get, namespace);
  const all = new Set(groups ?? [defaultGroup, ...book.groups(), ...(found ?? [])]);
  const added: NacosService[] = [];
  for (const group of all) added.push(...book.listed(group, await namesOfGroup(request, namespace, group), nowMs));
  return added;
}
