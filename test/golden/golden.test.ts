import { describe, expect, it } from 'vitest';
import { goldenNames, readCases, readGolden, removeGolden, writeGolden } from './cases.ts';
import { compileCase } from './compile-case.ts';
import { goldenText } from './golden-text.ts';

const isUpdate = process.env.UPDATE_GOLDENS === '1';
const cases = await readCases();

describe('generated configuration', async () => {
  const empty = cases.find(({ name }) => name === 'empty-mesh');
  const known = empty === undefined ? null : ((await compileCase(empty)).proxies.get('redirect') ?? null);

  for (const golden of cases) {
    it(golden.name, async () => {
      const text = goldenText(golden.about, await compileCase(golden), golden === empty ? null : known);
      if (isUpdate) await writeGolden(golden.name, text);
      expect(text).toBe(await readGolden(golden.name));
    });
  }

  it('has exactly one golden file per case', async () => {
    const names = cases.map(({ name }) => name);
    const unknown = (await goldenNames()).filter((name) => !names.includes(name));
    if (isUpdate) await Promise.all(unknown.map(removeGolden));
    expect(await goldenNames()).toEqual(names);
  });
});
