/**
 * Errors that operators can meet, with their remedies. docs/errors.md is generated from this list. A code is stable
 * once released.
 */
export const errorCodes = {
  CONFIG_INVALID: 'The configuration file or a flag is wrong. The message names the key; correct it and start again.',
  PORT_TAKEN: 'Another process listens on this address. Stop it, or choose another address with the named flag.',
  DATA_DIR_UNWRITABLE:
    'The data directory cannot be written. Correct its owner or mode, or choose another with --data-dir.',
  STORE_DAMAGED:
    'The rules database is damaged. Restore it from a backup; or move it away, save the last good rules with `binnacle export --data-dir`, start with none, and write them with `binnacle import`. The message has the commands.',
  STORE_UNAVAILABLE:
    'The rules store did not take the write (disk full, its thread gone), or cannot be opened. The message says whether anything may have been stored, and what to do.',
  SNAPSHOT_DAMAGED:
    'A snapshot on disk failed its checksum, or is of another format. A shard snapshot is ignored: the adapter has to sync. For the rules take an older copy of the file, or a backup of the database.',
  SERVER_UNREACHABLE:
    'No Binnacle server answers at this address. Start it, or name another one with --server, BINNACLE_SERVER or a context.',
  SERVER_FAILED: 'The server could not do what it was asked for. Try again; its log says more.',
  REQUEST_REFUSED:
    'The server refused the request: an object is invalid, is not there, or was changed meanwhile, or you may not do this. The message says which; correct it, or ask for the role, and try again.',
  DOCUMENT_INVALID:
    'A document cannot be read as YAML or JSON of rules. The message names file, document, line and column; nothing was sent.',
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** Error with a code that docs/errors.md explains. `facts` become fields of the log line. */
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
