import type { Problem } from '../../../rules/rule.ts';
import { isRecord } from '../../../rules/validation/validate.ts';

/** Limit of etcd; every object fits any other store of rules. */
export const mostCharacters = 1_572_864;
/** Limit of values in an object, because the serving thread checks each of them. */
export const mostValues = 50_000;

/** Checks the size of one object; null if it is acceptable. Stops at the first limit. */
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
