import { z } from 'zod';
import { addressCondition, parameterConditions } from './configurators.ts';
import { firstIssue, parameterMatches, scalar } from './match-schema.ts';
import type { ProviderCondition } from './provider-condition.ts';
import { emptyDocument, faultyDocument, type RuleDocument, type TagRule } from './rules.ts';

const schema = z.object({
  enabled: z.boolean().nullish(),
  force: z.boolean().nullish(),
  key: scalar.nullish(),
  tags: z.array(z.unknown()).nullish(),
});

const tag = z.object({
  name: scalar,
  addresses: z.array(scalar).nullish(),
  match: parameterMatches.nullish(),
});

/** Reads `<application>.tag-router`. `key` is that of its name. A tag that cannot be read is left out and named. */
export function readTagRouter(value: unknown, key: string): RuleDocument {
  const document = schema.safeParse(value);
  if (!document.success) return faultyDocument(firstIssue(document.error));
  const { enabled, force, tags } = document.data;
  if (enabled === false) return emptyDocument;
  const read: TagRule['tags'][number][] = [];
  const faults: string[] = [];
  for (const [index, given] of (tags ?? []).entries()) {
    const parsed = tag.safeParse(given);
    const conditions = parsed.success ? conditionsOf(parsed.data) : firstIssue(parsed.error);
    if (typeof conditions === 'string') faults.push(`tags[${index}]: ${conditions}`);
    else if (parsed.success) read.push({ name: parsed.data.name, conditions });
  }
  return { ...emptyDocument, tags: [{ application: key, tags: read, isForced: force ?? false }], faults };
}

/** Returns the conditions of the instances of a tag, or what is wrong with them. */
function conditionsOf({ addresses, match }: z.infer<typeof tag>): readonly ProviderCondition[] | string {
  const own = (addresses ?? []).length > 0 ? addressCondition(addresses) : parameterConditions(match ?? []);
  if (!own.ok) return own.error;
  // Neither addresses nor conditions: only instances that name the tag themselves have it.
  if ((addresses ?? []).length === 0 && own.value.length === 0) return [{ type: 'address', anyOf: [] }];
  return own.value;
}
