import { beforeAll, expect, test } from 'vitest';
import { ruleKinds } from '../../../src/rules/kinds/index.ts';
import { problemsWith } from '../../support/bad-specs.ts';
import { type CelRule, celRules, readCrds, specSchema } from '../../support/crd.ts';
import { describeWith } from '../../support/describe-with.ts';
import { specAt } from '../../support/spec-at.ts';
import { refusedValues, required } from './cel-samples.ts';

/** The rules that CRDs have in CEL cannot be compared with a schema: what they refuse is put where they stand. */
describeWith(['istioCrds'], 'the rules of the CRDs in CEL', () => {
  const published = new Map<string, readonly CelRule[]>();
  beforeAll(async () => {
    for (const crd of await readCrds()) {
      published.set(
        crd.spec.names.kind,
        crd.spec.versions.flatMap(({ name }) => celRules(specSchema(crd, name))),
      );
    }
  });

  test('are exactly those in this list', () => {
    const messages = [...published.values()].flat().map(({ message }) => message);
    expect([...new Set(messages)].sort()).toEqual(Object.keys(refusedValues).sort());
  });

  for (const kind of ruleKinds) {
    test(`${kind.kind} rejects the same objects, at the same field`, () => {
      const rules = published.get(kind.kind) ?? [];
      const taken = rules.flatMap(({ path, message }) =>
        (refusedValues[message] ?? []).flatMap((value) => {
          const place = specAt(path, value);
          const spec = path === 'spec' ? value : place.spec;
          const problems = problemsWith(kind, { ...required[kind.kind], ...(spec as object) }); // a spec is an object
          return problems.some((it) => it.startsWith(place.path) || path === 'spec')
            ? []
            : [`${place.path}: ${JSON.stringify(value)} is taken (${message})`];
        }),
      );
      expect([...new Set(taken)]).toEqual([]);
    });
  }

  test('a duration of 0s is accepted only where it means "none"', () => {
    const taken = ruleKinds.flatMap((kind) =>
      (published.get(kind.kind) ?? [])
        .filter(({ message }) => message === 'must be a valid duration greater than 1ms')
        .map(({ path }) => ({ path, place: specAt(path, '0s') }))
        .filter(({ place }) => !problemsWith(kind, place.spec).some((it) => it.startsWith(place.path)))
        .map(({ path }) => `${kind.kind} ${path.split('.').slice(-2).join('.')}`),
    );
    expect([...new Set(taken)].sort()).toEqual([
      'DestinationRule http.idleTimeout',
      'Sidecar http.idleTimeout',
      'VirtualService corsPolicy.maxAge',
      'VirtualService http[].timeout',
    ]);
  });
});
