import { z } from 'zod';
import type { ConfigKey } from './config-messages.ts';
import type { HttpGet } from './listing.ts';

const pageSize = 500;
/** Most pages that are read of one list. */
const maxPages = 100;

const dataIds = z.array(z.object({ dataId: z.string() }));
/** Page of 3.x. */
const adminPage = z
  .object({ data: z.object({ totalCount: z.number(), pageItems: dataIds }) })
  .transform(({ data }) => data);
/** Page of 2.x. */
const openPage = z.object({ totalCount: z.number(), pageItems: dataIds });

export interface ConfigGroup {
  readonly namespace: string;
  readonly group: string;
}

/** Reads the names of all configurations of a group, which servers list over HTTP only. Null: not for this user. */
export async function configsOfGroup(
  get: HttpGet,
  { namespace, group }: ConfigGroup,
): Promise<readonly ConfigKey[] | null> {
  const found: ConfigKey[] = [];
  for (let pageNo = 1; pageNo <= maxPages; pageNo++) {
    const page = await readPage(get, { namespace, group }, String(pageNo));
    if (page === null) return null;
    found.push(...page.pageItems.map(({ dataId }) => ({ group, dataId })));
    if (page.pageItems.length === 0 || found.length >= page.totalCount) break;
  }
  return found;
}

async function readPage(get: HttpGet, { namespace, group }: ConfigGroup, pageNo: string) {
  const paging = { pageNo, pageSize: String(pageSize), dataId: '' };
  const admin = { ...paging, search: 'blur', namespaceId: namespace, groupName: group };
  const page = adminPage.safeParse(await get('/v3/admin/cs/config/list', admin));
  if (page.success) return page.data;
  const tenant = namespace === 'public' ? '' : namespace;
  const open = openPage.safeParse(await get('/v1/cs/configs', { ...paging, search: 'accurate', tenant, group }));
  return open.success ? open.data : null;
}

/** Reports whether a text such as `mesh-*` stands for several configurations. */
export const isPattern = (text: string): boolean => text.includes('*');

/** Builds a test for a pattern. An asterisk stands for any text. */
export function matcher(pattern: string): (dataId: string) => boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  const expression = new RegExp(`^${parts.join('.*')}$`, 's');
  return (dataId) => expression.test(dataId);
}
