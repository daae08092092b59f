import type { OverriddenProvider } from './overrides.ts';
import { isInScope } from './overrides.ts';
import { meetsAll, providerApplication } from './provider-condition.ts';
import type { InstanceFilter, Stage } from './routing.ts';
import { noEffect } from './routing.ts';
import { shortId } from './routing-objects.ts';
import type { CallMatch, ConditionCase, ConditionRule, TagRule } from './rules.ts';

/** Attachment of calls, and parameter of callers and instances, with a tag. */
export const tagKey = 'dubbo.tag';

/**
 * Builds the decision about tags: a call with a tag goes to the instances that have it, any other call to those without
 * one. Null if nothing has a tag. `rules` are those of the instances' applications.
 */
export function tagStage(instances: readonly OverriddenProvider[], rules: readonly TagRule[]): Stage | null {
  const ruleOf = new Map(rules.map((rule) => [rule.application, rule]));
  const ruleFor = ({ provider }: OverriddenProvider) => ruleOf.get(providerApplication(provider));
  const names = new Set([
    ...rules.flatMap(({ tags }) => tags.map(({ name }) => name)),
    ...instances.flatMap(({ parameters }) => parameters.get(tagKey) || []),
  ]);
  if (names.size === 0) return null;

  function hasTag(instance: OverriddenProvider, name: string): boolean {
    const own = ruleFor(instance)?.tags.filter((tag) => tag.name === name) ?? [];
    if (own.length === 0) return instance.parameters.get(tagKey) === name;
    return own.some(({ conditions }) => meetsAll(instance, conditions));
  }
  /** An instance whose own tag the rule of its application does not name counts as untagged, as in Dubbo. */
  function hasNoTag(instance: OverriddenProvider): boolean {
    const rule = ruleFor(instance);
    const own = instance.parameters.get(tagKey) ?? '';
    if (rule === undefined) return own === '';
    if (rule.tags.some(({ conditions }) => meetsAll(instance, conditions))) return false;
    return own === '' || !rule.tags.some(({ name }) => name === own);
  }
  const untagged: InstanceFilter = { id: 'untagged', keeps: hasNoTag };
  const isForced = (name: string) => rules.some((rule) => rule.isForced && rule.tags.some((tag) => tag.name === name));
  return {
    cases: [...names].sort().map((name) => ({
      when: callsWithTag(name),
      effect: {
        to: [{ weight: 1, filter: { id: tagId(name), keeps: (instance) => hasTag(instance, name) } }],
        otherwise: isForced(name) ? 'none' : untagged,
        timeoutMs: null,
      },
    })),
    usual: { to: [{ weight: 1, filter: untagged }], otherwise: 'none', timeoutMs: null },
  };
}

/** A call has the tag of its attachment, or else that of its caller. */
function callsWithTag(value: string): readonly CallMatch[] {
  const pattern = { type: 'exact', value } as const;
  return [
    [{ on: 'attachment', key: tagKey, pattern, isNegated: false }],
    [
      { on: 'caller', key: tagKey, pattern, isNegated: false },
      { on: 'attachment', key: tagKey, pattern: { type: 'absent' }, isNegated: false },
    ],
  ];
}

const tagId = (name: string): string => `tag-${/^[a-z0-9]{1,20}$/.test(name) ? name : shortId(name)}`;

/** Builds the decision of a condition rule. It concerns only the instances in its scope. */
export function conditionStage(rule: ConditionRule, instances: readonly OverriddenProvider[]): Stage {
  const cases = rule.cases.map((one) => ({ when: one.when, effect: effectOf(one, rule) }));
  // A case without instances that is not forced leaves the calls to the next one.
  const effective = cases.filter(
    ({ effect }) => effect.otherwise === 'none' || (effect.to ?? []).some(({ filter }) => instances.some(filter.keeps)),
  );
  return { cases: effective, usual: noEffect };
}

function effectOf({ to, isForced }: ConditionCase, { scope }: ConditionRule) {
  return {
    to: to.map(({ weight, conditions }) => ({
      weight,
      filter: {
        id: shortId(JSON.stringify([scope, conditions])),
        keeps: (instance: OverriddenProvider) => !isInScope(scope, instance.provider) || meetsAll(instance, conditions),
      },
    })),
    otherwise: isForced || to.length === 0 ? ('none' as const) : ('before' as const),
    timeoutMs: null,
  };
}

/** Builds the decision about timeouts: one for all calls, and those of methods. */
export function timeoutStage(usualMs: number | null, byMethod: ReadonlyMap<string, number>): Stage {
  return {
    cases: [...byMethod]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([value, timeoutMs]) => ({
        when: [[{ on: 'method', key: '', pattern: { type: 'exact', value }, isNegated: false }]],
        effect: { ...noEffect, timeoutMs },
      })),
    usual: { ...noEffect, timeoutMs: usualMs },
  };
}
