import type { Flag } from './flags.ts';

/** Environment of a command. */
export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Writes text to standard output without adding a line end. */
  readonly print: (text: string) => void;
  /** Writes one line to standard error. */
  readonly printError: (line: string) => void;
  /** Standard input. */
  readonly input: AsyncIterable<Uint8Array>;
  /** Streams that are connected to a terminal. */
  readonly terminal: { readonly input: boolean; readonly error: boolean };
  /** Makes Ctrl-C abort the returned signal instead of ending the program. */
  readonly onInterrupt: () => AbortSignal;
}

/** Completion of a positional argument. */
export type WordHint = 'kinds-and-names' | 'contexts' | readonly string[];

/** Command of `binnacle`. To add one, write a file and add a line to commands.ts. */
export interface Command {
  readonly name: string;
  /** Line in the list of commands. */
  readonly summary: string;
  /** Text of `binnacle help <name>`. */
  readonly help: string;
  /** Flags to complete; absent for commands that only programs call. */
  readonly flags?: readonly Flag[];
  /** Completions by position; the last one applies to all further words. */
  readonly words?: readonly WordHint[];
  /** Exit code of failures without a specific one; 1 by default. */
  readonly failedExitCode?: number;
  /**
   * Resolves with the exit code when the command is done; void means 0. A mistake of the user rejects with a MeshError.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: most commands end without a return value
  run(argv: readonly string[], context: CommandContext): Promise<number | void>;
}

/** Command that is loaded on use, so that other commands start faster. */
export interface LazyCommand {
  readonly name: string;
  readonly summary: string;
  /** True for commands that only programs call; the overview omits them. */
  readonly hidden?: boolean;
  load(): Promise<Command>;
}
