import type { Problem } from '../../../rules/rule.ts';
import { isRecord } from '../../../rules/validation/validate.ts';

/** As etcd's: what is written here fits into any other store of rules, too. */
export const mostCharacters = 1_572_864;
/** Checking an object takes the serving thread some microseconds for each of its values. */
export const mostValues = 50_000;

/** What is wrong with the size of one object, however small the whole body is; null for nothing. Stops looking early. */
export function sizeProblem(object: unknown): Problem | null {
  let characters = 0;
  let values = 0;
  const waiting: unknown[] = [object];
  while (waiting.length > 0) {
    const value = waiting.pop();
    values++;
    if (typeof value === 'string') characters += value.length;
    else if (Array.isArray(value)) for (const item of value) waiting.push(item);
    else if (isRecord(value)) {
      for (const [key, item] of Object.entries(value)) {
        characters += key.length;
        waiting.push(item);
      }
    }
    if (characters > mostCharacters) return tooMuch(`${mostCharacters} characters`);
    if (values + waiting.length > mostValues) return tooMuch(`${mostValues} values`);
  }
  return null;
}

const tooMuch = (limit: string): Problem => ({
  path: '',
  message: `an object may have ${limit} at most: make several of it`,
});
