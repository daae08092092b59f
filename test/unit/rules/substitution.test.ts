import { describe, expect, it } from 'vitest';
import { wrongSubstitution } from '../../../src/rules/substitution/wrong-substitution.ts';
import { badSubstitutions, goodSubstitutions, uncheckedSubstitutions } from '../../support/substitutions.ts';

describe("Envoy's substitution commands", () => {
  for (const text of goodSubstitutions) {
    it(`accepts ${JSON.stringify(text)}`, () => {
      expect(wrongSubstitution(text)).toBeNull();
    });
  }

  for (const [text, says] of badSubstitutions) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(wrongSubstitution(text)).toContain(says);
    });
  }

  for (const text of uncheckedSubstitutions) {
    it(`refuses ${JSON.stringify(text)}, which it cannot check`, () => {
      expect(wrongSubstitution(text)).toContain('cannot be checked here');
    });
  }
});
