import { type Flag, flagHelp } from '../flags.ts';

export interface HelpText {
  /** Usage lines without `usage: binnacle`. */
  readonly usage: readonly string[];
  readonly about: string;
  readonly flags: readonly Flag[];
  readonly examples?: readonly string[];
}

/** Builds the text of `binnacle help <command>`. */
export function helpText({ usage, about, flags, examples = [] }: HelpText): string {
  const calls = usage.map((one, index) => `${index === 0 ? 'usage:' : '      '} binnacle ${one}`);
  const shown = examples.length === 0 ? [] : ['', 'examples', ...examples.map((one) => `  binnacle ${one}`)];
  return `${[...calls, '', about, '', flagHelp(flags), ...shown].join('\n')}\n`;
}
