/** What a command is given of the world around it. */
export interface CommandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Writes to standard output as it is, without a line end of its own. */
  readonly print: (text: string) => void;
}

/** One word after `binnacle`. Adding one is a file plus a line in main.ts. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** The whole text of `binnacle help <name>`. */
  readonly help: string;
  /** Resolves when the command is done. A mistake of the user rejects with a MeshError. */
  run(argv: readonly string[], context: CommandContext): Promise<void>;
}
