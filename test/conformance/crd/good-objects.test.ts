import { beforeAll, expect, test } from 'vitest';
import { type Crd, readCrds, specSchema } from '../../support/crd.ts';
import { describeWith } from '../../support/describe-with.ts';
import { misfits } from '../../support/fits-schema.ts';
import { goodObjects } from '../../support/good-objects.ts';

describeWith(['istioCrds'], 'the valid objects of the tests', () => {
  let crds: readonly Crd[] = [];
  beforeAll(async () => {
    crds = await readCrds();
  });

  for (const { apiVersion, kind, metadata, spec } of goodObjects) {
    test(`${kind} ${metadata.name} is valid for its CRD, too`, () => {
      const crd = crds.find(({ spec }) => spec.names.kind === kind);
      if (crd === undefined) throw new Error(`there is no CRD of ${kind}`);
      expect(misfits(specSchema(crd, apiVersion.split('/')[1] ?? ''), spec)).toEqual([]);
    });
  }
});
