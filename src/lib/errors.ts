/**
 * Every error that an operator can meet, with what to do about it. docs/errors.md is generated from this list.
 * A code is stable once released.
 */
export const errorCodes = {
  CONFIG_INVALID: 'The configuration file or a flag is wrong. The message names the key; correct it and start again.',
  PORT_TAKEN: 'Another process listens on this address. Stop it, or choose another address with the named flag.',
  DATA_DIR_UNWRITABLE:
    'The data directory cannot be written. Correct its owner or mode, or choose another with --data-dir.',
  STORE_DAMAGED: 'The rules database is damaged. Restore it from a backup, or move it away to start with an empty one.',
  STORE_UNAVAILABLE: 'The rules store did not take the write (disk full, worker gone). Nothing was stored; try again.',
  SNAPSHOT_DAMAGED:
    'A shard snapshot on disk failed its checksum, or is of another format, and was ignored. Nothing is to be done: the adapter has to sync.',
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** An error with a code that docs/errors.md explains. `facts` go to the log as fields. */
export class MeshError extends Error {
  readonly code: ErrorCode;
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; facts?: Record<string, unknown> } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'MeshError';
    this.code = code;
    this.facts = options.facts ?? {};
  }
}
