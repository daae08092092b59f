import { isatty } from 'node:tty';

/**
 * Resolves when the process is told to stop, by SIGINT, SIGTERM or the end of its terminal. SIGHUP without a terminal is
 * ignored: Node.js does not inherit that nohup ignores it.
 */
export async function toldToStop(): Promise<void> {
  const hasTerminal = [0, 1, 2].some((descriptor) => isatty(descriptor));
  const first = await new Promise<number>((resolve) => {
    const told = () => resolve(performance.now());
    process.on('SIGINT', told);
    process.on('SIGTERM', told);
    process.on('SIGHUP', () => {
      if (hasTerminal) told();
    });
  });
  process.on('SIGINT', () => {
    if (performance.now() - first > doubledWithinMs) process.exit(interruptedExitCode);
  });
}

/**
 * One order may come twice: a terminal and systemd signal every process of a group, and the launcher hands on what it
 * gets. So SIGTERM counts once, and a second SIGINT ends the process at once only after this time.
 */
const doubledWithinMs = 500;
/** Of a process that SIGINT ended, as shells count. */
const interruptedExitCode = 130;
