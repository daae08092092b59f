import type { ObjectReport } from '../../rules/book/rule-book.ts';
import type { Condition } from '../../rules/status.ts';
import { type AnswerCounts, minPeers } from './answer-counts.ts';
import type { Finding } from './findings/finding.ts';

/** Inputs of an object's conditions. */
export interface ConditionInputs {
  /** Problems of the object itself; null if it is in effect unchanged. */
  readonly report: ObjectReport | null;
  readonly isCompiled: boolean;
  readonly tally: Readonly<AnswerCounts>;
  /** Parts without effect in the current mesh, most urgent first. */
  readonly findings: readonly Finding[];
  /** Problems that compilation found: objects that take precedence, references to missing objects. */
  readonly conflicts: readonly string[];
  /** Paths without effect in this release; `spec` for the whole object. */
  readonly pending: readonly string[];
}

/** Condition without time and generation. */
export type ConditionState = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** Returns both conditions of an object, `Accepted` first. */
export function conditionStates(findings: ConditionInputs): readonly [ConditionState, ConditionState] {
  return [acceptedOf(findings), programmedOf(findings)];
}

function acceptedOf({ report }: ConditionInputs): ConditionState {
  const problems = (report?.problems ?? []).filter((_problem, index) => !isShadowing(report, index));
  if (problems.length === 0) return accepted;
  const texts = problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  return { type: 'Accepted', status: 'False', reason: 'Invalid', message: `${listed(texts)}; correct the object` };
}

/** Returns true for the problem that names the shadowing object, which is the last one. */
const isShadowing = (report: ObjectReport | null, index: number): boolean =>
  report?.inEffect === 'other' && index === report.problems.length - 1;

/**
 * Returns the condition by the most urgent reason. A rejection precedes pending answers, because it requires an action.
 * Reasons that answers cannot change (parts without effect, conflicts) come last, and are added to the messages of the
 * others.
 */
function programmedOf(findings: ConditionInputs): ConditionState {
  const { report, isCompiled, tally, pending } = findings;
  if (report !== null) return notInPlace(report);
  if (pending.includes('spec')) return no('NotInEffect', 'objects of this kind have no effect in this release');
  if (!isCompiled) return no('Pending', 'it waits to be compiled');
  const ineffective = pending.length === 0 ? [] : [withoutEffect(pending)];
  const idle = findings.findings.filter(({ ifUnused }) => ifUnused !== true || tally.concerned === 0);
  const said = new Set(idle.map(({ message }) => message));
  const conflicts = findings.conflicts.filter((message) => !said.has(message));
  const lasting = [...[[...said], conflicts].filter(isFilled).map((texts) => listed(texts)), ...ineffective];
  const isRejected = tally.provenRejections > 0 || tally.unprovenRejecters.size >= minPeers;
  if (isRejected) return no('Rejected', [rejectedBy(tally), ...lasting].join('; '));
  if (tally.pending > 0) return no('Pending', [waitingFor(tally), ...lasting].join('; '));
  const [first] = idle;
  if (first !== undefined) return no(first.reason, lasting.join('; '));
  if (conflicts.length > 0) return no('Conflict', lasting.join('; '));
  if (pending.length > 0) return no('NotInEffect', withoutEffect(pending));
  if (tally.concerned === 0) return noProxies;
  if (tally.rejected > 0) return yes('Programmed', rejectedByOne(tally));
  return yes(
    'Programmed',
    `acknowledged by ${tally.concerned === 1 ? 'the one proxy' : `all ${tally.concerned} proxies`} that it concerns`,
  );
}

const accepted: ConditionState = {
  type: 'Accepted',
  status: 'True',
  reason: 'Accepted',
  message: 'the object is valid',
};

const yes = (reason: string, message: string): ConditionState => ({
  type: 'Programmed',
  status: 'True',
  reason,
  message,
});
const no = (reason: string, message: string): ConditionState => ({
  type: 'Programmed',
  status: 'False',
  reason,
  message,
});

const noProxies = yes('NoProxies', 'it is in effect; no connected proxy is concerned by it');

function notInPlace({ inEffect, problems }: ObjectReport): ConditionState {
  switch (inEffect) {
    case 'earlier':
      return no('Shadowed', 'an earlier version of it stays in effect, as this one is invalid: correct the object');
    case 'other':
      return no('Shadowed', problems.at(-1)?.message ?? '');
    default:
      return no('NotInEffect', 'it is invalid, and there is no earlier version of it: correct the object');
  }
}

const withoutEffect = (fields: readonly string[]): string => `not in effect in this release: ${listed(fields, ', ')}`;

function rejectedBy({ rejected, concerned, rejections }: Readonly<AnswerCounts>): string {
  const [first] = rejections;
  const words = first === undefined || first.message === '' ? '' : `: ${first.message}`;
  const who = rejected === 1 && first !== undefined ? first.proxy : `${first?.proxy ?? ''} and ${rejected - 1} more`;
  return `rejected by ${rejected} of ${concerned} proxies (${who})${words}; they keep what they had: correct the object`;
}

function rejectedByOne({ acknowledged, concerned, rejections: [first] }: Readonly<AnswerCounts>): string {
  const who = first === undefined ? 'one peer' : first.proxy;
  return `acknowledged by ${acknowledged} of ${concerned} proxies that it concerns; rejected by ${who}, whose address proves nothing: that counts once another peer rejects it, too`;
}

function waitingFor({ pending, concerned, waitingFor: ids }: Readonly<AnswerCounts>): string {
  const others = pending > ids.length ? ', …' : '';
  return `${pending} of ${concerned} proxies have not answered yet (${ids.join(', ')}${others})`;
}

const isFilled = (texts: readonly string[]): boolean => texts.length > 0;

const maxListed = 5;

const listed = (texts: readonly string[], separator = '; '): string =>
  [...texts.slice(0, maxListed), ...(texts.length > maxListed ? [`${texts.length - maxListed} more`] : [])].join(
    separator,
  );
