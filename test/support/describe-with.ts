import { beforeAll, describe, it } from 'vitest';
import { installLimit, missing, type PartName, partProgram } from './parts.ts';

/**
 * A `describe` whose tests need real programs. They are installed before its first test. If the machine cannot have
 * them, the group is skipped, with the reason in its title (scripts/test.mjs prints it). With CI=true it fails instead.
 */
export function describeWith(needed: readonly PartName[], name: string, tests: () => void): void {
  const reason = needed.map(missing).find((text) => text !== null);
  if (reason === undefined) {
    describe(name, () => {
      beforeAll(async () => {
        for (const part of needed) await partProgram(part);
      }, installLimit(needed));
      tests();
    });
  } else if (process.env.CI === 'true') {
    it(`${name}: has the programs it needs`, () => {
      throw new Error(reason);
    });
  } else {
    describe.skip(`${name} [skipped: ${reason}]`, tests);
  }
}
