import { storeSource } from '../../rules/book/claims.ts';
import { meshKind } from '../../rules/book/objects.ts';
import type { RuleChange } from '../../rules/book/rule-book.ts';
import { type RuleId, ruleId } from '../../rules/rule.ts';
import type { Revision } from '../../xds/tables/table.ts';

/** The one mesh configuration, whatever object it came from. */
export const meshId: RuleId = ruleId({ kind: meshKind, metadata: { namespace: '', name: 'default' } });

/** Tracks which changes of rules are compiled. */
export interface CompileProgress {
  changed(changes: readonly RuleChange[]): void;
  /** A flush of configuration begins: it takes in what has changed so far. */
  flushBegan(): void;
  /** A flush has ended and is in the tables; answers the rules that it took in. */
  flushEnded(revision: Revision): readonly RuleId[];
  /** Whether what is in the tables was compiled from the rule as it is. */
  isCompiled(id: RuleId): boolean;
  /** The revision by which the rule as it is was compiled; 0 for one that was never taken in, and for what is no rule. */
  revisionOf(origin: string): Revision;
}

export function createCompileProgress(): CompileProgress {
  const waiting = new Set<RuleId>();
  /** Taken in by the flush that runs, or by one that failed: the next one shows it. */
  const compiling = new Set<RuleId>();
  const revisions = new Map<string, Revision>();
  /** Last known identity of each rule: a change of labels, for example, needs no compile. */
  const contents = new Map<RuleId, string>();

  const isNew = (change: RuleChange, id: RuleId): boolean => {
    if (change.type !== 'rule') return true;
    const { metadata, origin } = change.rule;
    const content = JSON.stringify([metadata.generation, metadata.uid, origin]);
    if (origin === storeSource && contents.get(id) === content) return false;
    contents.set(id, content);
    return true;
  };

  return {
    changed(changes) {
      for (const change of changes) {
        const id = idOf(change);
        if (change.type === 'rule-removed')
          for (const known of [waiting, compiling, revisions, contents]) known.delete(id);
        else if (isNew(change, id)) waiting.add(id);
      }
    },
    flushBegan() {
      for (const id of waiting) compiling.add(id);
      waiting.clear();
    },
    flushEnded(revision) {
      const ids = [...compiling];
      compiling.clear();
      for (const id of ids) revisions.set(id, revision);
      return ids;
    },
    isCompiled: (id) => !waiting.has(id) && !compiling.has(id),
    revisionOf: (id) => revisions.get(id) ?? 0,
  };
}

function idOf(change: RuleChange): RuleId {
  if (change.type === 'mesh') return meshId;
  return change.type === 'rule' ? ruleId(change.rule) : change.id;
}
