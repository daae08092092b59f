import { type ErrorCode, MeshError } from '../lib/errors.ts';

/** Exit codes of all commands, documented in `binnacle help` and docs/cli.md. */
export const exitCodes = { done: 0, failed: 1, misused: 2, unreachable: 3, refused: 4 } as const;

/** Error with details, which are printed before its message, one per line. */
export class DetailedError extends MeshError {
  readonly details: readonly string[];

  constructor(code: ErrorCode, message: string, details: readonly string[]) {
    super(code, message);
    this.details = details;
  }
}

/** Builds the error for a wrong call of a command. The message names the mistake and the remedy. */
export const usageError = (message: string): MeshError => new MeshError('CONFIG_INVALID', message);

/** Returns the exit code of an error; null if it has no specific one. */
export function exitCodeOf(error: unknown): number | null {
  if (!(error instanceof MeshError)) return null;
  switch (error.code) {
    case 'CONFIG_INVALID':
      return exitCodes.misused;
    case 'SERVER_UNREACHABLE':
      return exitCodes.unreachable;
    case 'REQUEST_REFUSED':
    case 'DOCUMENT_INVALID':
      return exitCodes.refused;
    default:
      return null;
  }
}
