import { RE2JS } from 're2js';
import { err, ok, type Result } from '../../lib/result.ts';

/** Condition on a text. */
export type TextPattern =
  | { readonly type: 'exact'; readonly value: string }
  /** `before*after`: one asterisk, as in Dubbo. */
  | { readonly type: 'glob'; readonly before: string; readonly after: string }
  /** Whole numbers, both ends included; null for no limit. Other text counts as 0, as in Dubbo. */
  | { readonly type: 'range'; readonly from: number | null; readonly to: number | null }
  | { readonly type: 'regex'; readonly expression: string }
  | { readonly type: 'present' }
  | { readonly type: 'absent' };

/** Matches a text; undefined for an absent one. */
export function matchesPattern(pattern: TextPattern, text: string | undefined): boolean {
  if (text === undefined) return pattern.type === 'absent';
  switch (pattern.type) {
    case 'absent':
      return text === '';
    case 'exact':
      return text === pattern.value;
    case 'glob':
      return (
        text.length >= pattern.before.length + pattern.after.length &&
        text.startsWith(pattern.before) &&
        text.endsWith(pattern.after)
      );
    case 'range': {
      const number = /^-?\d+$/.test(text) ? Number(text) : 0;
      return (pattern.from ?? number) <= number && number <= (pattern.to ?? number);
    }
    case 'regex':
      return RE2JS.compile(pattern.expression).matches(text);
    case 'present':
      return text !== '';
  }
}

/** Parses `text`, `te*xt`. Of several asterisks the last one counts, as in Dubbo. */
export function globPattern(text: string): TextPattern {
  const at = text.lastIndexOf('*');
  if (at < 0) return { type: 'exact', value: text };
  return { type: 'glob', before: text.slice(0, at), after: text.slice(at + 1) };
}

/** Parses a value of a condition: `text`, `te*xt`, or a range `1~10`, `1~`, `~10`. */
export function conditionPattern(text: string): Result<TextPattern, string> {
  if (text.startsWith('$')) return err(`'${text}' refers to the caller, which is not supported`);
  if (!text.includes('~')) return ok(globPattern(text));
  const [, from = '', to = ''] = /^(-?\d*)~(-?\d*)$/.exec(text) ?? [];
  if (from === '' && to === '') return err(`'${text}' is no range of numbers`);
  return ok({ type: 'range', from: from === '' ? null : Number(from), to: to === '' ? null : Number(to) });
}

/** Parses a regular expression that matches whole texts. */
export function regexPattern(expression: string): Result<TextPattern, string> {
  try {
    RE2JS.compile(expression);
    return ok({ type: 'regex', expression });
  } catch {
    return err(`'${expression}' is no regular expression in the syntax of RE2`);
  }
}

/** Condition of a VirtualService on a text. */
export interface RouteTextMatch {
  readonly exact?: string;
  readonly prefix?: string;
  readonly regex?: string;
}

/** Converts a pattern of texts that follow `prefix`; null for a range, which no rule can express. */
export function toRouteMatch(pattern: TextPattern, prefix = ''): RouteTextMatch | null {
  switch (pattern.type) {
    case 'exact':
      return { exact: prefix + pattern.value };
    case 'glob':
      if (pattern.after === '') return { prefix: prefix + pattern.before };
      return { regex: expressionOf(pattern, prefix) ?? '' };
    case 'regex':
      return { regex: expressionOf(pattern, prefix) ?? '' };
    case 'range':
      return null;
    default:
      return {};
  }
}

/** Returns a regular expression for texts that begin with `prefix` and match after it; null for a range. */
export function expressionOf(pattern: TextPattern, prefix = ''): string | null {
  const start = quoted(prefix);
  switch (pattern.type) {
    case 'exact':
      return start + quoted(pattern.value);
    case 'glob':
      return `${start}${quoted(pattern.before)}.*${quoted(pattern.after)}`;
    case 'regex':
      return `${start}(${pattern.expression})`;
    case 'range':
      return null;
    default:
      return `${start}.+`;
  }
}

const quoted = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
