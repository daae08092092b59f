import { type ErrorCode, MeshError } from '../lib/errors.ts';

/** The exit codes of every command; `binnacle help` and docs/cli.md explain them. */
export const exitCodes = { done: 0, failed: 1, misused: 2, unreachable: 3, refused: 4 } as const;

/** An error that has more to say than one line: `details` are printed before it, a line each. */
export class DetailedError extends MeshError {
  readonly details: readonly string[];

  constructor(code: ErrorCode, message: string, details: readonly string[]) {
    super(code, message);
    this.details = details;
  }
}

/** A wrong call of a command: what is wrong, and what is right. */
export const wrong = (message: string): MeshError => new MeshError('CONFIG_INVALID', message);

/** The exit code that an error ends with, or null for one that has none of its own. */
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
