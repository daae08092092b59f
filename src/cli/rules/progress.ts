import type { CommandContext } from '../command.ts';

/** Tells a person at a terminal what is waited for, when it takes longer than a second. */
export async function whileWaiting<T>(work: Promise<T>, what: string, context: CommandContext): Promise<T> {
  if (!context.terminal.error) return work;
  const timer = setTimeout(() => context.printError(`${what} …`), 1000);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}
