import { parseArgs } from 'node:util';
import { MeshError } from '../lib/errors.ts';
import { didYouMean } from '../lib/nearest.ts';

/** A flag of a command, as its help shows it. */
export interface Flag {
  /** Without the dashes. */
  readonly name: string;
  /** What stands for the value in the help text; null for a flag that takes none. */
  readonly value: string | null;
  readonly about: string;
  /** May be given several times. */
  readonly many?: boolean;
}

/** Flags as given: texts for those that take a value, in order. A flag that takes none has an empty text. */
export type FlagValues = Readonly<Record<string, readonly string[]>>;

/** Parses a command's arguments. Throws CONFIG_INVALID for an unknown flag, a missing value or a stray word. */
export function parseFlags(argv: readonly string[], flags: readonly Flag[]): FlagValues {
  const options = Object.fromEntries(
    flags.map(({ name, value }) => [name, { type: value === null ? ('boolean' as const) : ('string' as const) }]),
  );
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true });
  const values: Record<string, string[]> = {};
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') throw wrong(`unexpected argument "${token.value}"`);
    const flag = flags.find(({ name }) => name === token.name);
    if (flag === undefined) throw wrong(unknownFlag(token.rawName, flags));
    const given = values[flag.name];
    if (given !== undefined && flag.many !== true) throw wrong(`--${flag.name} is given twice`);
    values[flag.name] = [...(given ?? []), valueOf(flag, token.value)];
  }
  return values;
}

/** The flags as lines of a help text. */
export function flagHelp(flags: readonly Flag[]): string {
  const left = flags.map(({ name, value }) => (value === null ? `--${name}` : `--${name} ${value}`));
  const width = Math.max(...left.map((text) => text.length));
  return flags.map(({ about }, index) => `  ${(left[index] ?? '').padEnd(width)}  ${about}`).join('\n');
}

function valueOf(flag: Flag, value: string | undefined): string {
  if (flag.value === null && value !== undefined) throw wrong(`--${flag.name} takes no value`);
  if (flag.value !== null && (value === undefined || value === '')) throw wrong(`--${flag.name} needs ${flag.value}`);
  return value ?? '';
}

function unknownFlag(given: string, flags: readonly Flag[]): string {
  const names = flags.map(({ name }) => `--${name}`);
  return `unknown flag ${given}${didYouMean(given, names) || `; there are ${names.join(', ')}`}`;
}

const wrong = (message: string): MeshError => new MeshError('CONFIG_INVALID', message);
