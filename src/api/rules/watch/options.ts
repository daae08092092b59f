import type { Problem } from '../../../rules/rule.ts';
import { ApiError, failure, invalid } from '../../status.ts';
import { countParameter, isSwitchedOn, textParameter } from '../parameters.ts';

/** Parameters of a watch. */
export interface WatchOptions {
  /**
   * Start of the watch. `initial` sends all existing objects as ADDED, then changes. `now` sends changes only. `after`
   * sends the changes since a version that the client has seen.
   */
  readonly start:
    | { readonly type: 'initial'; readonly notOlderThan: string | null; readonly markEnd: boolean }
    | { readonly type: 'now' }
    | { readonly type: 'after'; readonly resourceVersion: string };
  readonly bookmarks: boolean;
  /** Time limit after which the watch ends. */
  readonly timeoutMs: number;
}

type Query = Readonly<Record<string, unknown>>;

const minuteMs = 60_000;
const maxTimeoutSeconds = 24 * 60 * 60;

/** Reports whether a list request asks for a watch. */
export const wantsWatch = (query: Query): boolean => isSwitchedOn(query, 'watch');

/**
 * Reads the parameters of a watch, by the rules of
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#streaming-lists. `random` returns 0 to 1 and spreads the
 * ends of watches without a timeout.
 */
export function watchOptions(query: Query, random: () => number): WatchOptions {
  const version = textParameter(query, 'resourceVersion');
  if (!/^\d{0,19}$/.test(version)) {
    const message = `resourceVersion must be a number that an answer gave, not ${JSON.stringify(version)}`;
    throw new ApiError(failure('BadRequest', message));
  }
  const problems = problemsOf(query);
  if (problems.length > 0) {
    throw new ApiError(invalid({ kind: 'ListOptions', group: 'meta.k8s.io', name: '' }, problems));
  }
  const bookmarks = isSwitchedOn(query, 'allowWatchBookmarks');
  return { start: startOf(query, version, bookmarks), bookmarks, timeoutMs: timeoutOf(query, random) };
}

function startOf(query: Query, version: string, bookmarks: boolean): WatchOptions['start'] {
  const isAnyVersion = version === '' || version === '0';
  if (isSwitchedOn(query, 'sendInitialEvents')) {
    return { type: 'initial', notOlderThan: isAnyVersion ? null : version, markEnd: bookmarks };
  }
  if (!isAnyVersion) return { type: 'after', resourceVersion: version };
  if (textParameter(query, 'sendInitialEvents') !== '') return { type: 'now' };
  return { type: 'initial', notOlderThan: null, markEnd: false };
}

function problemsOf(query: Query): readonly Problem[] {
  const [initial, match] = [textParameter(query, 'sendInitialEvents'), textParameter(query, 'resourceVersionMatch')];
  const problems: Problem[] = [];
  if (match !== '' && initial === '') {
    const message = 'is for watches with sendInitialEvents only';
    problems.push({ path: 'resourceVersionMatch', message });
  }
  if (initial !== '' && match === '') {
    const message = 'must be NotOlderThan for a watch with sendInitialEvents';
    problems.push({ path: 'resourceVersionMatch', message });
  }
  if (initial !== '' && match !== '' && match !== 'NotOlderThan') {
    problems.push({ path: 'resourceVersionMatch', message: 'must be one of NotOlderThan' });
  }
  if (textParameter(query, 'continue') !== '') {
    problems.push({ path: 'continue', message: 'is for lists, not for watches' });
  }
  return problems;
}

function timeoutOf(query: Query, random: () => number): number {
  const seconds = Math.min(countParameter(query, 'timeoutSeconds') ?? 0, maxTimeoutSeconds);
  return seconds > 0 ? seconds * 1_000 : Math.round((30 + 30 * random()) * minuteMs);
}
