import { beforeAll, expect, it } from 'vitest';
import { plainCommands } from '../../src/rules/substitution/plain-commands.ts';
import { describeWith } from '../support/describe-with.ts';
import { envoyVerdicts } from '../support/envoy-verdicts.ts';
import { badSubstitutions, goodSubstitutions, uncheckedSubstitutions } from '../support/substitutions.ts';

const bad = badSubstitutions.map(([text]) => text);
const plain = [...plainCommands].map((command) => `%${command}%`);
const plainWithArgument = [...plainCommands].map((command) => `%${command}(a)%`);

const withHeader = (value: string) => [
  {
    match: { prefix: '/' },
    route: { cluster: 'nowhere' },
    requestHeadersToAdd: [{ header: { key: 'x-sample', value } }],
  },
];

describeWith(['envoy'], 'a real Envoy with header values', () => {
  let verdicts: Readonly<Record<string, string | null>>;
  beforeAll(async () => {
    const texts = [...goodSubstitutions, ...uncheckedSubstitutions, ...bad, ...plain, ...plainWithArgument];
    verdicts = await envoyVerdicts(Object.fromEntries(texts.map((text) => [text, withHeader(text)])));
  });
  const takenOf = (texts: readonly string[]) => texts.filter((text) => verdicts[text] === null);

  it('accepts those that the schema accepts', () => {
    expect(takenOf(goodSubstitutions)).toEqual(goodSubstitutions);
    expect(takenOf(uncheckedSubstitutions)).toEqual(uncheckedSubstitutions);
  });

  it('rejects those that the schema rejects', () => {
    expect(takenOf(bad)).toEqual([]);
  });

  it('knows every command without an argument', () => {
    expect(takenOf(plain)).toEqual(plain);
    expect(takenOf(plainWithArgument)).toEqual([]);
  });
});
