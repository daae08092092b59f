import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { zookeeper } from '../../../../adapters/zookeeper/index.ts';

it('the sample in deploy/ is a configuration of the adapter', async () => {
  const file = await readFile(new URL('../../../../deploy/zookeeper/binnacle.yaml', import.meta.url), 'utf8');
  const { adapters } = parse(file) as { adapters: readonly { type: string }[] }; // the sample's form
  const [{ type, ...settings } = { type: '' }] = adapters;
  expect(type).toBe('zookeeper');
  expect(zookeeper.config.safeParse(settings)).toMatchObject({ success: true });
});
