import { describe, expect, it } from 'vitest';
import { listNames, readTopics } from './read-cases.ts';
import { runCase } from './run-case.ts';

const topics = await readTopics();
/** Shows why listed cases do not hold. */
const showsListed = process.env.NOT_YET === 'show';

for (const { name: topic, cases, notYet } of topics) {
  describe(topic, () => {
    for (const one of cases) {
      it(one.name, async () => {
        const differences = await runCase(one);
        const isListed = notYet.includes(one.name);
        if (isListed && differences.length === 0) {
          expect.fail(`holds now: take "${one.name}" from test/cases/not-yet/${topic}.txt`);
        }
        if (differences.length > 0 && (!isListed || showsListed)) expect.fail(`\n${differences.join('\n')}`);
      });
    }

    it('lists only cases that exist as not yet expected', () => {
      const names = cases.map(({ name }) => name);

      expect(notYet.filter((name) => !names.includes(name))).toEqual([]);
      expect(new Set(notYet).size).toBe(notYet.length);
    });
  });
}

it('has no list for a topic that does not exist', async () => {
  const names = topics.map(({ name }) => name);

  expect((await listNames()).filter((name) => !names.includes(name))).toEqual([]);
});
