import { expect, test } from 'vitest';
import { createBook } from '../../../../adapters/nacos/book.ts';
import { compareNames, groupsOfCatalog, type HttpGet } from '../../../../adapters/nacos/listing.ts';

const names = Array.from({ length: 1_100 }, (_, index) => ({ name: `s${index}`, groupName: `G${index % 700}` }));

/** HTTP interface of a server with these names, page by page. */
const server =
  (version: 2 | 3): HttpGet =>
  async (path, { pageNo, pageSize }) => {
    const from = (Number(pageNo) - 1) * Number(pageSize);
    const page = names.slice(from, from + Number(pageSize));
    if (version === 2) return path === '/v1/ns/catalog/services' ? { count: names.length, serviceList: page } : null;
    const data = { totalCount: names.length, pageItems: page };
    return path === '/v3/admin/ns/service/list' ? { code: 0, data } : null;
  };

for (const version of [2, 3] as const) {
  test(`groups are read from all pages of the catalogue of a ${version}.x server`, async () => {
    const groups = await groupsOfCatalog(server(version), 'public', version);
    expect(groups).toHaveLength(700);
  });
}

const comparison = (get: HttpGet, version: 2 | 3) => ({
  book: createBook({ namespace: 'public', keepEmptyMs: 60_000, protectThreshold: 0.5 }),
  request: async (_: string, { groupName }: Readonly<Record<string, unknown>>) => {
    const own = names.filter((one) => one.groupName === groupName).map(({ name }) => name);
    return { count: own.length, serviceNames: own };
  },
  get,
  version,
  namespace: 'public',
  nowMs: 0,
});

test('services of groups that a watch did not tell are found', async () => {
  const { added, hasGroups } = await compareNames(comparison(server(3), 3), null);
  expect([added.length, hasGroups]).toEqual([1_100, true]);
});

test('a server whose catalogue this user may not read is noticed', async () => {
  const { added, hasGroups } = await compareNames(
    comparison(async () => null, 3),
    null,
  );
  expect([added, hasGroups]).toEqual([[], false]);
});

test('a closed HTTP port is no fault of 3.x, which tells names by itself, but of 2.x', async () => {
  const closed: HttpGet = async () => {
    throw new Error('refused');
  };
  expect((await compareNames(comparison(closed, 3), null)).hasGroups).toBe(false);
  await expect(compareNames(comparison(closed, 2), null)).rejects.toThrow('refused');
});
