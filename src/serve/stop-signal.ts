import { isatty } from 'node:tty';

/**
 * Resolves when SIGINT, SIGTERM or the end of its terminal stops the process. SIGHUP without a terminal is ignored:
 * Node.js does not inherit the setting of nohup.
 */
export async function stopSignal(): Promise<void> {
  const hasTerminal = [0, 1, 2].some((descriptor) => isatty(descriptor));
  const first = await new Promise<number>((resolve) => {
    const stop = () => resolve(performance.now());
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
    process.on('SIGHUP', () => {
      if (hasTerminal) stop();
    });
  });
  process.on('SIGINT', () => {
    if (performance.now() - first > doubledWithinMs) process.exit(interruptedExitCode);
  });
}

/**
 * Time within which a repeated signal is a duplicate. A terminal and systemd signal every process of a group, and the
 * launcher forwards signals. SIGTERM therefore counts once, and a second SIGINT ends the process at once only after
 * this time.
 */
const doubledWithinMs = 500;
/** Exit code of shells for a process that SIGINT ended. */
const interruptedExitCode = 130;
