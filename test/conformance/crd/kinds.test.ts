import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ruleKinds } from '../../../src/rules/kinds/index.ts';
import type { RuleKind } from '../../../src/rules/rule.ts';
import { type Crd, type JsonSchema, readCrds, specSchema } from '../../support/crd.ts';
import { describeWith } from '../../support/describe-with.ts';
import { schemaDifferences } from '../../support/schema-differences.ts';
import { allowedDifferences, allows } from './allowed-differences.ts';

const ownSchema = (kind: RuleKind): JsonSchema =>
  z.toJSONSchema(kind.spec, { io: 'input', unrepresentable: 'any' }) as JsonSchema; // a JSON schema is what it makes

describeWith(['istioCrds'], 'the kinds and the published CRDs', () => {
  let crds: readonly Crd[] = [];
  beforeAll(async () => {
    crds = await readCrds();
  });

  const crdOf = ({ kind, group }: RuleKind): Crd => {
    const crd = crds.find(({ spec }) => spec.names.kind === kind && spec.group === group);
    if (crd === undefined) throw new Error(`there is no CRD of ${kind} in ${group}`);
    return crd;
  };

  test('each CRD has a kind, and each kind a CRD', () => {
    const published = crds.map(({ spec }) => `${spec.names.kind}.${spec.group}`);
    expect(ruleKinds.map(({ kind, group }) => `${kind}.${group}`).sort()).toEqual(published.sort());
    expect(published.length).toBeGreaterThanOrEqual(15);
  });

  for (const kind of ruleKinds) {
    describe(kind.kind, () => {
      test('has its names, scope and versions', () => {
        const { group, scope, names, versions } = crdOf(kind).spec;
        expect({
          group: kind.group,
          scope: kind.scope,
          plural: kind.plural,
          singular: kind.singular,
          shortNames: kind.shortNames,
          versions: [...kind.versions].sort(),
        }).toEqual({
          group,
          scope: scope.toLowerCase(),
          plural: names.plural,
          singular: names.singular,
          shortNames: names.shortNames ?? [],
          versions: versions.flatMap(({ name, served }) => (served ? [name] : [])).sort(),
        });
      });

      for (const version of kind.versions) {
        test(`${version} differs from its schema only where it is intended`, () => {
          const allowed = allowedDifferences.filter((entry) => entry.kind === kind.kind);
          const differences = schemaDifferences(specSchema(crdOf(kind), version), ownSchema(kind));
          const unexpected = differences.filter((it) => !allowed.some((entry) => allows(entry, it)));
          const idle = allowed.filter((entry) => !differences.some((it) => allows(entry, it)));
          expect(unexpected.map((it) => `${kind.kind} ${version}: ${it}`)).toEqual([]);
          expect(idle.map(({ difference }) => `allowed, but no longer so: ${difference}`)).toEqual([]);
        });
      }
    });
  }

  test('the intended differences name existing kinds', () => {
    const names = ruleKinds.map(({ kind }) => kind);
    expect(allowedDifferences.filter(({ kind }) => !names.includes(kind))).toEqual([]);
  });
});
