import { expect, it } from 'vitest';
import { scripts } from '../../src/rules/re2/properties.ts';
import { describeWith } from '../support/describe-with.ts';
import { envoyVerdicts } from '../support/envoy-verdicts.ts';
import { badExpressions, goodExpressions, hugeExpression, roughExpressions } from '../support/expressions.ts';

const ordinary = '/api/v[0-9]+/(users|orders|products|payments)/[a-f0-9-]{36}';

const samples = (texts: readonly string[]) =>
  Object.fromEntries(
    texts.map((regex) => [regex, [{ match: { safeRegex: { regex } }, route: { cluster: 'nowhere' } }]]),
  );

const withLimit = (limit: number) => (printed: object) => ({
  ...printed,
  layered_runtime: { layers: [{ name: 'test', static_layer: { 're2.max_program_size.error_level': limit } }] },
});

const withoutRuntime = (printed: object) => ({ ...printed, layered_runtime: { layers: [] } });

describeWith(['envoy'], 'a real Envoy with regular expressions', () => {
  it('accepts those that the schema accepts, with the bootstrap of binnacle', async () => {
    const categories = ['C', 'Lu', 'Nd', 'Po', 'Sc', 'Zs', 'Any', ...scripts].map((name) => `a\\p{${name}}`);
    const good = [...Object.keys(goodExpressions), ...Object.keys(roughExpressions), ...categories];

    const verdicts = await envoyVerdicts(samples([...good, ...Object.keys(badExpressions), hugeExpression]));

    expect(good.filter((text) => verdicts[text] !== null)).toEqual([]);
    expect(Object.keys(badExpressions).filter((text) => verdicts[text] === null)).toEqual([]);
    expect(verdicts[hugeExpression]).toMatch(/RE2 program size of 33004 > max program size of 32768/);
  });

  it('rejects one of ordinary size with a bootstrap without a limit', async () => {
    const verdicts = await envoyVerdicts(samples([ordinary]), { bootstrap: withoutRuntime });

    expect(verdicts[ordinary]).toMatch(/RE2 program size of 150 > max program size of 100/);
  });

  it('counts the instructions listed in the table', async () => {
    const sizes = { ...goodExpressions, ...roughExpressions };

    const verdicts = await envoyVerdicts(samples(Object.keys(sizes)), { bootstrap: withLimit(0) });

    const counted = Object.keys(sizes).map((text) => [text, Number(/size of (\d+)/.exec(verdicts[text] ?? '')?.[1])]);
    expect(Object.fromEntries(counted)).toEqual(sizes);
  });
});
