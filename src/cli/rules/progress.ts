import type { CommandContext } from '../command.ts';

/** Shows on a terminal which operation is pending, if it takes longer than a second. */
export async function whileWaiting<T>(work: Promise<T>, what: string, context: CommandContext): Promise<T> {
  if (!context.terminal.error) return work;
  const timer = setTimeout(() => context.printError(`${what} …`), 1000);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}
