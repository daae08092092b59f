import type { CommandContext } from '../../src/cli/command.ts';
import { commands } from '../../src/cli/commands.ts';
import { runCli } from '../../src/cli/run.ts';

export interface CliCall {
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input. */
  readonly input?: string;
  /** True if a terminal is attached. */
  readonly atTerminal?: boolean;
  readonly interrupted?: AbortSignal;
}

/** Creates a command's environment that records output. */
export function cliWorld({ env = {}, input = '', atTerminal = false, interrupted }: CliCall = {}) {
  let out = '';
  const errors: string[] = [];
  const context: CommandContext = {
    // Hides the developer's own contexts from the tests.
    env: { BINNACLE_CONTEXTS: '/dev/null', ...env },
    print: (text) => {
      out += text;
    },
    printError: (line) => errors.push(line),
    input: (async function* () {
      yield Buffer.from(input);
    })(),
    terminal: { input: atTerminal, error: atTerminal },
    onInterrupt: () => interrupted ?? new AbortController().signal,
  };
  return { context, out: () => out, errors };
}

/** Runs the program's commands in this process, as its main module does. */
export async function cli(argv: readonly string[], call: CliCall = {}) {
  const world = cliWorld(call);
  const code = await runCli(argv, commands, world.context);
  return { code, out: world.out(), errors: world.errors };
}
