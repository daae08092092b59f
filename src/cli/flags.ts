import { parseArgs } from 'node:util';
import type { MeshError } from '../lib/errors.ts';
import { didYouMean } from '../lib/nearest.ts';
import { usageError } from './failure.ts';

/** Flag of a command, as its help shows it. */
export interface Flag {
  /** Name without dashes. */
  readonly name: string;
  /** Short form of one letter: `o` for `-o yaml`, `-oyaml`, `-o=yaml`. */
  readonly short?: string;
  /** Placeholder of the value in help texts; null for a flag without a value. */
  readonly value: string | null;
  readonly about: string;
  /** Allows several occurrences. */
  readonly many?: boolean;
  /** Allows an empty value. */
  readonly mayBeEmpty?: boolean;
  /** Candidates for completion; file names if absent. */
  readonly complete?: 'contexts' | 'namespaces' | readonly string[];
}

/** Values of the given flags, in order. A flag without a value has an empty text. */
export type FlagValues = Readonly<Record<string, readonly string[]>>;

/** Parsed arguments of a command. */
export interface Arguments {
  readonly values: FlagValues;
  /** Positional arguments, in order. */
  readonly words: readonly string[];
}

/** Parses flags. Throws CONFIG_INVALID for an unknown flag, a missing value or a stray word. */
export function parseFlags(argv: readonly string[], flags: readonly Flag[]): FlagValues {
  const { values, words } = parseArguments(argv, flags);
  const [stray] = words;
  if (stray !== undefined) throw usageError(`unexpected argument "${stray}"`);
  return values;
}

/** Parses flags and words. Words may precede, separate and follow flags. Throws as `parseFlags` does. */
export function parseArguments(argv: readonly string[], flags: readonly Flag[]): Arguments {
  const options = Object.fromEntries(
    flags.map(({ name, value, short }) => [
      name,
      { type: value === null ? ('boolean' as const) : ('string' as const), ...(short === undefined ? {} : { short }) },
    ]),
  );
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true });
  const values: Record<string, string[]> = {};
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') {
      words.push(token.value);
      continue;
    }
    const flag = flags.find(({ name, short }) => token.rawName === `--${name}` || token.rawName === `-${short}`);
    if (flag === undefined) throw unknownFlag(token.rawName, flags);
    const given = values[flag.name];
    if (given !== undefined && flag.many !== true) throw usageError(`--${flag.name} is given twice`);
    values[flag.name] = [...(given ?? []), valueOf(flag, token)];
  }
  return { values, words };
}

/** Returns the value of a flag that occurs at most once. */
export const flagText = (values: FlagValues, name: string): string | null => values[name]?.[0] ?? null;

/** Returns a flag's value if it is one of the choices; null without the flag. */
export function choiceOf<T extends string>(values: FlagValues, name: string, choices: readonly T[]): T | null {
  const given = flagText(values, name);
  if (given === null) return null;
  const chosen = choices.find((one) => one === given);
  if (chosen === undefined) throw usageError(`--${name} must be one of ${choices.join(', ')}, not "${given}"`);
  return chosen;
}

/** Renders flags as lines of a help text. */
export function flagHelp(flags: readonly Flag[]): string {
  const left = flags.map(({ name, short, value }) => {
    const names = short === undefined ? `--${name}` : `-${short}, --${name}`;
    return value === null ? names : `${names} ${value}`;
  });
  const width = Math.max(...left.map((text) => text.length));
  return flags.map(({ about }, index) => `  ${(left[index] ?? '').padEnd(width)}  ${about}`).join('\n');
}

interface OptionToken {
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

function valueOf(flag: Flag, { rawName, value, inlineValue }: OptionToken): string {
  if (flag.value === null && value !== undefined) throw usageError(`--${flag.name} takes no value`);
  const isShort = !rawName.startsWith('--');
  const given = isShort && inlineValue === true ? value?.replace(/^=/, '') : value;
  const isMissing = given === undefined || (given === '' && flag.mayBeEmpty !== true);
  if (flag.value !== null && isMissing) throw usageError(`--${flag.name} needs ${flag.value}`);
  return given ?? '';
}

function unknownFlag(given: string, flags: readonly Flag[]): MeshError {
  const names = flags.map(({ name }) => `--${name}`);
  return usageError(`unknown flag ${given}${didYouMean(given, names) || `; there are ${names.join(', ')}`}`);
}
