import { type DestinationStream, destination, pino, stdTimeFunctions } from 'pino';
import type { Logger } from '../lib/logger.ts';

export interface LoggingOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** Where lines go; standard error, written in the background, when left out. */
  readonly stream?: DestinationStream;
}

/** What may wait for a slow reader of standard error; lines beyond are dropped rather than kept. */
const maxWaitingBytes = 8 * 1024 * 1024;

/** A logger that writes one JSON object a line: `time`, `level`, `message`, the facts, an error under `err`. */
export function createLogger({ level, stream = standardError() }: LoggingOptions): Logger {
  const options = {
    level,
    base: null, // process id and host name are the collector's to add
    messageKey: 'message',
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(options, stream);
}

const standardError = (): DestinationStream =>
  destination({ dest: process.stderr.fd, sync: false, maxLength: maxWaitingBytes });
