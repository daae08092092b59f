import type { Compiler } from '../../compile/contract.ts';
import type { ServiceKey } from '../../model/names.ts';
import { type Rule, type RuleId, type RuleKind, ruleId } from '../../rules/rule.ts';
import type { RuleFindings } from './findings/index.ts';

export interface RuleProblemsOptions {
  readonly kinds: readonly RuleKind[];
  readonly compiler: Pick<Compiler, 'problemsOf'>;
  readonly findings: Pick<RuleFindings, 'of'>;
  /** Index of ServiceEntries: the services of a rule, and its problems. */
  readonly serviceEntries: {
    servicesOf(id: RuleId): readonly ServiceKey[];
    problemsOf(id: RuleId): readonly string[];
  };
}

/** Problems of valid rules: conflicts with others, and parts without effect in this release. */
export interface RuleProblems {
  /** Returns the messages about conflicts. */
  conflictsOf(kind: string, id: RuleId): readonly string[];
  /** Returns the parts of a rule without effect in this release, each once. `spec` is that of the rule in effect. */
  pendingOf(kind: string, id: RuleId, spec: unknown): readonly string[];
  /** Returns the reasons why a rule has no or not its whole effect, as in its conditions. */
  reasonsOf(rule: Rule): ReadonlySet<string>;
}

export function createRuleProblems({ kinds, compiler, findings, serviceEntries }: RuleProblemsOptions): RuleProblems {
  const kindsByName = new Map(kinds.map((kind) => [kind.kind, kind]));
  const pendingFields = new WeakMap<object, readonly string[]>();

  /** Returns the messages about a rule; for ServiceEntries, also those about their services. */
  const messagesOf = (kind: string, id: RuleId): readonly string[] => {
    const services = kind === 'ServiceEntry' ? serviceEntries.servicesOf(id) : [];
    return [
      ...compiler.problemsOf(id),
      ...serviceEntries.problemsOf(id),
      ...services.flatMap((key) => compiler.problemsOf(`service/${key}`)),
    ];
  };

  const pendingFieldsOf = (kind: string, spec: unknown): readonly string[] => {
    if (typeof spec !== 'object' || spec === null) return [];
    const known = pendingFields.get(spec) ?? kindsByName.get(kind)?.pending(spec) ?? [];
    pendingFields.set(spec, known);
    return known;
  };

  return {
    conflictsOf: (kind, id) => messagesOf(kind, id).filter((message) => !message.startsWith(notYet)),
    pendingOf(kind, id, spec) {
      const messages = messagesOf(kind, id).filter((message) => message.startsWith(notYet));
      return [...new Set([...pendingFieldsOf(kind, spec), ...messages.map((message) => message.slice(notYet.length))])];
    },
    reasonsOf(rule) {
      const id = ruleId(rule);
      const idle = findings.of(id).filter(({ ifUnused }) => ifUnused !== true);
      const said = new Set(idle.map(({ message }) => message));
      const reasons = new Set<string>(idle.map(({ reason }) => reason));
      for (const message of messagesOf(rule.kind, id)) {
        if (!said.has(message)) reasons.add(message.startsWith(notYet) ? 'NotInEffect' : 'Conflict');
      }
      return pendingFieldsOf(rule.kind, rule.spec).length === 0 ? reasons : reasons.add('NotInEffect');
    },
  };
}

/** Prefix of messages about parts without effect in this release. */
const notYet = 'not in effect yet: ';
