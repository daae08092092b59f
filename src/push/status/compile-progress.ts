import { storeSource } from '../../rules/book/claims.ts';
import { meshKind } from '../../rules/book/objects.ts';
import type { RuleChange } from '../../rules/book/rule-book.ts';
import { type RuleId, ruleId } from '../../rules/rule.ts';
import type { Revision } from '../../xds/tables/table.ts';

/** Id of the mesh configuration, whatever object defines it. */
export const meshId: RuleId = ruleId({ kind: meshKind, metadata: { namespace: '', name: 'default' } });

/** Tracks which changes of rules are compiled. */
export interface CompileProgress {
  changed(changes: readonly RuleChange[]): void;
  /** Called when a flush of configuration begins. It includes all earlier changes. */
  flushBegan(): void;
  /** Called when the result of a flush is in the tables. Returns the rules that it included. */
  flushEnded(revision: Revision): readonly RuleId[];
  /** Returns true if the tables contain the current version of the rule. */
  isCompiled(id: RuleId): boolean;
  /** Returns the revision that contains the current version of the rule; 0 if it was never compiled or is no rule. */
  revisionOf(origin: string): Revision;
}

export function createCompileProgress(): CompileProgress {
  const waiting = new Set<RuleId>();
  /** Rules of the running flush, or of a failed one, which the next one repeats. */
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
