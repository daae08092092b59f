import { bootstrapCommand } from './bootstrap.ts';
import type { Command } from './command.ts';
import { runCli } from './run.ts';
import { serveCommand } from './serve.ts';
import { versionCommand } from './version.ts';

/** In the order of the overview. Serving is loaded when it is asked for: the other commands start at once. */
const commands: readonly Command[] = [
  serveCommand(async (config) => (await import('../main.ts')).serve(config)),
  bootstrapCommand,
  versionCommand,
];

// The program's entry point. The exit code is set, not forced: what was written is flushed first.
process.exitCode = await runCli(process.argv.slice(2), commands, {
  env: process.env,
  print: (text) => process.stdout.write(text),
  printError: (line) => process.stderr.write(`${line}\n`),
});
