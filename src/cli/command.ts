import type { Flag } from './flags.ts';

/** What a command is given of the world around it. */
export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Writes to standard output as it is, without a line end of its own. */
  readonly print: (text: string) => void;
  /** Writes one line to standard error. */
  readonly printError: (line: string) => void;
  /** Standard input. */
  readonly input: AsyncIterable<Uint8Array>;
  /** Which of the streams a person sits at. */
  readonly terminal: { readonly input: boolean; readonly error: boolean };
  /** Ctrl-C from now on aborts the signal instead of ending the program. */
  readonly onInterrupt: () => AbortSignal;
}

/** What may stand where a word of a command is expected; for completion. */
export type WordHint = 'kinds-and-names' | 'contexts' | readonly string[];

/** One word after `binnacle`. Adding one is a file plus a line in main.ts. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** The whole text of `binnacle help <name>`. */
  readonly help: string;
  /** For completion; left out by commands that are run by machines. */
  readonly flags?: readonly Flag[];
  /** What the words are, one for each position; the last one stands for all further words. */
  readonly words?: readonly WordHint[];
  /** The exit code of a failure that has no other (1). */
  readonly failedExitCode?: number;
  /**
   * Resolves with the exit code when the command is done; 0 where it says nothing. A mistake of the user rejects with a
   * MeshError.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: most commands have nothing to say, and end without a return
  run(argv: readonly string[], context: CommandContext): Promise<number | void>;
}

/** A command that is loaded when it is asked for, so that the others start at once. */
export interface LazyCommand {
  readonly name: string;
  readonly summary: string;
  /** Left out of the overview: for programs, not people. */
  readonly hidden?: boolean;
  load(): Promise<Command>;
}
