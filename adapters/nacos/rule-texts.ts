import type { ShardChange } from '../../src/adapter-contract/adapter.ts';
import { type Mistake, type ParsedFile, parseFile } from '../file/documents.ts';
import { createMesh, type ReadText } from '../file/mesh.ts';
import { isRule } from '../kubernetes/translate-view.ts';

/** Rules in texts of YAML or JSON. */
export interface RuleTexts {
  /**
   * Applies the content of a text; null if it is removed. Returns the changes since the last call, and all current
   * mistakes. Of a text that cannot be parsed, the last good content stays.
   */
  put(
    name: string,
    content: string | null,
  ): Promise<{ readonly changes: readonly ShardChange[]; readonly mistakes: readonly Mistake[] }>;
}

export function createRuleTexts(domainSuffix: string): RuleTexts {
  const texts = new Map<string, ReadText>();
  const mesh = createMesh(domainSuffix);

  return {
    async put(name, content) {
      const parsed = content === null ? null : await parseFile(name, content);
      if (parsed === null) texts.delete(name);
      else texts.set(name, { parsed: keepLastGood(onlyRules(parsed), texts.get(name)?.parsed) });
      return mesh.update(new Map([...texts].sort(([a], [b]) => (a < b ? -1 : 1))));
    },
  };
}

function onlyRules(parsed: ParsedFile): ParsedFile {
  const others = parsed.objects.filter((object) => !isRule(object));
  if (others.length === 0) return parsed;
  const mistakes = others.map(({ origin, kind }) => ({ origin, message: `objects of kind ${kind} are no rules` }));
  return { ...parsed, objects: parsed.objects.filter(isRule), mistakes: [...parsed.mistakes, ...mistakes] };
}

function keepLastGood(parsed: ParsedFile, before: ParsedFile | undefined): ParsedFile {
  if (!parsed.isBroken || before === undefined) return parsed;
  return { ...parsed, objects: before.objects };
}
