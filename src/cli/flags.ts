import { parseArgs } from 'node:util';
import type { MeshError } from '../lib/errors.ts';
import { didYouMean } from '../lib/nearest.ts';
import { wrong } from './failure.ts';

/** A flag of a command, as its help shows it. */
export interface Flag {
  /** Without the dashes. */
  readonly name: string;
  /** One letter: `o` for `-o yaml`, `-oyaml`, `-o=yaml`. */
  readonly short?: string;
  /** What stands for the value in the help text; null for a flag that takes none. */
  readonly value: string | null;
  readonly about: string;
  /** May be given several times. */
  readonly many?: boolean;
  /** An empty value means something. */
  readonly mayBeEmpty?: boolean;
  /** What its value may be, for completion; files where nothing is known. */
  readonly complete?: 'contexts' | 'namespaces' | readonly string[];
}

/** Flags as given: texts for those that take a value, in order. A flag that takes none has an empty text. */
export type FlagValues = Readonly<Record<string, readonly string[]>>;

/** What a command was called with. */
export interface Arguments {
  readonly values: FlagValues;
  /** What is no flag and no value of one, in order. */
  readonly words: readonly string[];
}

/** Parses a command's arguments. Throws CONFIG_INVALID for an unknown flag, a missing value or a stray word. */
export function parseFlags(argv: readonly string[], flags: readonly Flag[]): FlagValues {
  const { values, words } = parseArguments(argv, flags);
  const [stray] = words;
  if (stray !== undefined) throw wrong(`unexpected argument "${stray}"`);
  return values;
}

/** As `parseFlags`, for a command that takes words: they may stand before, between and after flags. */
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
    if (given !== undefined && flag.many !== true) throw wrong(`--${flag.name} is given twice`);
    values[flag.name] = [...(given ?? []), valueOf(flag, token)];
  }
  return { values, words };
}

/** The value of a flag that is given once at most. */
export const textOf = (values: FlagValues, name: string): string | null => values[name]?.[0] ?? null;

/** One of the choices, or null when the flag is not given. */
export function choiceOf<T extends string>(values: FlagValues, name: string, choices: readonly T[]): T | null {
  const given = textOf(values, name);
  if (given === null) return null;
  const chosen = choices.find((one) => one === given);
  if (chosen === undefined) throw wrong(`--${name} must be one of ${choices.join(', ')}, not "${given}"`);
  return chosen;
}

/** The flags as lines of a help text. */
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
  if (flag.value === null && value !== undefined) throw wrong(`--${flag.name} takes no value`);
  const isShort = !rawName.startsWith('--');
  const given = isShort && inlineValue === true ? value?.replace(/^=/, '') : value;
  const isMissing = given === undefined || (given === '' && flag.mayBeEmpty !== true);
  if (flag.value !== null && isMissing) throw wrong(`--${flag.name} needs ${flag.value}`);
  return given ?? '';
}

function unknownFlag(given: string, flags: readonly Flag[]): MeshError {
  const names = flags.map(({ name }) => `--${name}`);
  return wrong(`unknown flag ${given}${didYouMean(given, names) || `; there are ${names.join(', ')}`}`);
}
