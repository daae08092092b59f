import { err, ok, type Result } from '../../../lib/result.ts';
import type { Labels } from '../../../rules/labels.ts';
import { wrongKey, wrongLabelValue } from '../../../rules/validation/metadata.ts';

/** Reports whether an object with these labels is selected. */
export type LabelTest = (labels: Labels) => boolean;

/**
 * Parses a label selector: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`, `a>1`, `a<1`. Requirements
 * are joined by commas and must all be met. `!=` and `notin` also select objects without the label.
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
 */
export function parseLabelSelector(text: string): Result<LabelTest, string> {
  const tokens = tokensOf(text);
  if (tokens.length === 0) return ok(() => true);
  const tests: LabelTest[] = [];
  const parser = new RequirementParser(tokens);
  for (;;) {
    const test = parser.requirement();
    if (!test.ok) return err(`labelSelector ${JSON.stringify(text)}: ${test.error}`);
    tests.push(test.value);
    const next = parser.next();
    if (next === null) return ok((labels) => tests.every((one) => one(labels)));
    if (next !== ',') return err(`labelSelector ${JSON.stringify(text)}: expected a comma before ${quoted(next)}`);
  }
}

const tokensOf = (text: string): readonly string[] => text.match(/==|!=|[=!<>(),]|[^\s=!<>(),]+/g) ?? [];

const isWord = (token: string | null): token is string => token !== null && !/^[=!<>(),]/.test(token);

const quoted = (token: string | null): string => (token === null ? 'the end' : JSON.stringify(token));

class RequirementParser {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  /** Returns the next token, or null at the end. */
  next(): string | null {
    return this.#tokens[this.#at++] ?? null;
  }

  requirement(): Result<LabelTest, string> {
    const first = this.next();
    const key = first === '!' ? this.next() : first;
    if (!isWord(key)) return err(`expected the key of a label, found ${quoted(key)}`);
    const wrong = wrongKey(key);
    if (wrong !== null) return err(`${JSON.stringify(key)}: ${wrong}`);
    if (first === '!') return ok((labels) => !Object.hasOwn(labels, key));

    const operator = this.next();
    switch (operator) {
      case null:
      case ',':
        this.#at--;
        return ok((labels) => Object.hasOwn(labels, key));
      case '=':
      case '==':
        return this.#value((value) => (labels) => valueOf(labels, key) === value);
      case '!=':
        return this.#value((value) => (labels) => valueOf(labels, key) !== value);
      case '>':
      case '<':
        return this.#number((limit) => (labels) => isBeyond(valueOf(labels, key), operator, limit));
      case 'in':
        return this.#values((values) => (labels) => values.has(valueOf(labels, key)));
      case 'notin':
        return this.#values((values) => (labels) => !values.has(valueOf(labels, key)));
      default:
        return err(`after ${JSON.stringify(key)} expected =, ==, !=, in, notin, < or >, found ${quoted(operator)}`);
    }
  }

  /** Reads one value; a missing value is the empty string. */
  #value(toTest: (value: string) => LabelTest): Result<LabelTest, string> {
    const value = isWord(this.#tokens[this.#at] ?? null) ? (this.next() ?? '') : '';
    const wrong = wrongLabelValue(value);
    return wrong === null ? ok(toTest(value)) : err(`${JSON.stringify(value)}: ${wrong}`);
  }

  #number(toTest: (limit: bigint) => LabelTest): Result<LabelTest, string> {
    const text = this.next();
    return text !== null && /^-?\d{1,19}$/.test(text)
      ? ok(toTest(BigInt(text)))
      : err(`expected a whole number, found ${quoted(text)}`);
  }

  #values(toTest: (values: ReadonlySet<string | undefined>) => LabelTest): Result<LabelTest, string> {
    const open = this.next();
    if (open !== '(') return err(`expected a list of values in parentheses, found ${quoted(open)}`);
    const values = new Set<string>();
    for (let token = this.next(), last = ','; ; token = this.next()) {
      if (token === ')' || token === ',') {
        if (last === ',') values.add(''); // two adjacent commas enclose an empty value
        if (token === ')') return ok(toTest(values));
      } else if (isWord(token) && last === ',') {
        const wrong = wrongLabelValue(token);
        if (wrong !== null) return err(`${JSON.stringify(token)}: ${wrong}`);
        values.add(token);
      } else {
        return err(`expected "," or ")" in the list of values, found ${quoted(token)}`);
      }
      last = token;
    }
  }
}

const valueOf = (labels: Labels, key: string): string | undefined =>
  Object.hasOwn(labels, key) ? labels[key] : undefined;

function isBeyond(value: string | undefined, operator: '<' | '>', limit: bigint): boolean {
  if (value === undefined || !/^-?\d{1,19}$/.test(value)) return false;
  return operator === '>' ? BigInt(value) > limit : BigInt(value) < limit;
}
