import { MeshError } from '../lib/errors.ts';
import { didYouMean } from '../lib/nearest.ts';
import type { Command, CommandContext, LazyCommand } from './command.ts';
import { DetailedError, exitCodeOf, exitCodes, usageError } from './failure.ts';

type Commands = readonly (Command | LazyCommand)[];

/**
 * Runs the command that the arguments name and returns its exit code. An error prints its details, if any, and one line
 * with the remedy to standard error. The stack is printed only at log level debug.
 */
export async function runCli(argv: readonly string[], commands: Commands, context: CommandContext): Promise<number> {
  let failed: number = exitCodes.failed;
  try {
    const [name = 'help', ...rest] = argv;
    if (name === 'help' || name === '--help' || name === '-h') {
      const [topic] = rest;
      context.print(topic === undefined ? overview(commands) : (await load(topic, commands)).help);
      return exitCodes.done;
    }
    const command = await load(name === '--version' ? 'version' : name, commands);
    failed = command.failedExitCode ?? failed;
    if (asksForHelp(rest)) {
      context.print(command.help);
      return exitCodes.done;
    }
    return (await command.run(rest, context)) ?? exitCodes.done;
  } catch (error) {
    if (error instanceof DetailedError) for (const line of error.details) context.printError(line);
    context.printError(`binnacle: ${oneLine(error)}`);
    if (wantsDebug(argv, context)) context.printError(stackOf(error));
    return exitCodeOf(error) ?? failed;
  }
}

function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end === -1 ? argv : argv.slice(0, end)).some((word) => word === '--help' || word === '-h');
}

async function load(name: string, commands: Commands): Promise<Command> {
  const found = commands.find((one) => one.name === name);
  if (found !== undefined) return 'load' in found ? found.load() : found;
  const names = commands.filter(isShown).map((one) => one.name);
  const cure = didYouMean(name, names) || `; there are ${[...names, 'help'].join(', ')}`;
  throw usageError(`unknown command "${name}"${cure}`);
}

function overview(commands: Commands): string {
  const shown = commands.filter(isShown);
  const width = Math.max(...shown.map(({ name }) => name.length));
  const lines = shown.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return `${['usage: binnacle <command> [flags]', '', ...lines, '', ...footer].join('\n')}\n`;
}

const footer = [
  'binnacle help <command> says more.',
  '',
  'Exit codes: 0 done; 1 failed (diff: there are differences); 2 called or configured wrongly; 3 the server cannot be',
  'reached; 4 refused: something is invalid, is not there, or was changed meanwhile.',
];

const isShown = (command: Command | LazyCommand): boolean => !('hidden' in command && command.hidden === true);

function oneLine(error: unknown): string {
  const text = (error instanceof Error ? error.message : String(error)).replaceAll(/\s*\n\s*/g, ' ');
  if (error instanceof MeshError) return `${error.code}: ${text}`;
  return `unexpected error: ${text} (please report it with the output of --log-level debug)`;
}

const wantsDebug = (argv: readonly string[], { env }: CommandContext): boolean =>
  / --log-level[ =]debug /.test(` ${argv.join(' ')} `) || env.BINNACLE_LOG_LEVEL === 'debug';

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by ${stackOf(error.cause)}`;
  return `${error.stack}${cause}`;
}
