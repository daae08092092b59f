import { MeshError } from '../lib/errors.ts';
import { didYouMean } from '../lib/nearest.ts';
import type { Command, CommandContext } from './command.ts';

export interface CliContext extends CommandContext {
  /** Writes one line to standard error. */
  readonly printError: (line: string) => void;
}

/** The exit codes of every command: done, failed, and called or configured wrongly. */
const exit = { done: 0, failed: 1, misused: 2 };

/**
 * Runs the command that the arguments name and answers with the exit code. An error ends as one line on standard error
 * that says what to do; its stack follows only at log level debug.
 */
export async function runCli(
  argv: readonly string[],
  commands: readonly Command[],
  context: CliContext,
): Promise<number> {
  try {
    await dispatch(argv, commands, context);
    return exit.done;
  } catch (error) {
    context.printError(`binnacle: ${oneLine(error)}`);
    if (wantsDebug(argv, context)) context.printError(stackOf(error));
    return error instanceof MeshError && error.code === 'CONFIG_INVALID' ? exit.misused : exit.failed;
  }
}

async function dispatch(argv: readonly string[], commands: readonly Command[], context: CliContext): Promise<void> {
  const [name = 'help', ...rest] = argv;
  if (name === 'help' || name === '--help' || name === '-h') {
    const [topic] = rest;
    context.print(topic === undefined ? overview(commands) : find(topic, commands).help);
    return;
  }
  const command = find(name === '--version' ? 'version' : name, commands);
  if (rest.includes('--help')) context.print(command.help);
  else await command.run(rest, context);
}

function find(name: string, commands: readonly Command[]): Command {
  const command = commands.find((one) => one.name === name);
  if (command !== undefined) return command;
  const names = commands.map((one) => one.name);
  const cure = didYouMean(name, names) || `; there are ${[...names, 'help'].join(', ')}`;
  throw new MeshError('CONFIG_INVALID', `unknown command "${name}"${cure}`);
}

function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return `${['usage: binnacle <command> [flags]', '', ...lines, '', 'binnacle help <command> says more'].join('\n')}\n`;
}

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
