import { type Rule, type RuleKind, ruleId } from './rule.ts';

/** Messages by origin: the id of a rule, or another contributor such as `service/…`. */
export type RuleMessages = ReadonlyMap<string, readonly string[]>;

/**
 * Collects the messages about valid rules: those that parts of the program `found`, and the fields without effect in
 * this release. Each message occurs once, sorted. A field that a found message mentions is not listed again.
 */
export function messagesOn(
  rules: Iterable<Rule>,
  kinds: readonly RuleKind[],
  found: readonly RuleMessages[],
): RuleMessages {
  const messages = new Map<string, Set<string>>();
  for (const [id, texts] of found.flatMap((part) => [...part])) {
    messages.set(id, new Set([...(messages.get(id) ?? []), ...texts]));
  }
  const byName = new Map(kinds.map((kind) => [kind.kind, kind]));
  for (const rule of rules) {
    const fields = byName.get(rule.kind)?.pending(rule.spec) ?? [];
    if (fields.length === 0) continue;
    const known = messages.get(ruleId(rule)) ?? new Set();
    const unsaid = fields.filter((field) => ![...known].some((text) => speaksOf(text, field)));
    messages.set(ruleId(rule), new Set([...known, ...unsaid.map((field) => `not in effect yet: ${field}`)]));
  }
  return new Map([...messages].map(([id, texts]) => [id, [...texts].sort()]));
}

/** Returns whether a text names the field, or one within it. */
function speaksOf(text: string, field: string): boolean {
  const at = text.indexOf(field);
  return at !== -1 && !/^\w/.test(text.slice(at + field.length));
}
