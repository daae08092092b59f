import { type DestinationStream, destination, pino, stdTimeFunctions } from 'pino';
import type { Logger } from '../lib/logger.ts';

export interface LoggingOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** Output of log lines; by default standard error, written asynchronously. */
  readonly stream?: DestinationStream;
}

/** Limit of bytes buffered for a slow reader of standard error. Lines beyond it are dropped. */
const maxWaitingBytes = 8 * 1024 * 1024;

/**
 * Creates a logger that writes one JSON object per line: `time`, `level`, `message`, the facts, and an error under
 * `err`.
 */
export function createLogger({ level, stream = standardError() }: LoggingOptions): Logger {
  const options = {
    level,
    base: null, // log collectors add process id and host name
    messageKey: 'message',
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(options, stream);
}

const standardError = (): DestinationStream =>
  destination({ dest: process.stderr.fd, sync: false, maxLength: maxWaitingBytes });
