import { isatty } from 'node:tty';
import { commands } from './commands.ts';
import { endWithLauncher } from './end-with-launcher.ts';
import { runCli } from './run.ts';

endWithLauncher();
const argv = process.argv.slice(2);

// A closed pipe, such as `| head`, is no failure of a printing command. A server ignores it.
if (argv[0] !== 'serve') {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(process.exitCode ?? 0);
  });
}

// The exit code is set, not forced, so that pending output is flushed first.
process.exitCode = await runCli(argv, commands, {
  env: process.env,
  print: (text) => process.stdout.write(text),
  printError: (line) => process.stderr.write(`${line}\n`),
  get input() {
    return process.stdin; // getting it creates a stream; only reading commands need it
  },
  terminal: { input: isatty(0), error: isatty(2) },
  onInterrupt: () => {
    const interrupted = new AbortController();
    process.once('SIGINT', () => interrupted.abort());
    return interrupted.signal;
  },
});
