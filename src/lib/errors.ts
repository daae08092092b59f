/**
 * Errors that operators can meet, with their remedies. docs/errors.md is generated from this list. A code is stable
 * once released.
 */
export const errorCodes = {
  CONFIG_INVALID: 'The configuration file or a flag is wrong. The message names the key. Correct it and restart.',
  PORT_TAKEN: 'Another process listens on this address. Stop it, or choose another address with the named flag.',
  DATA_DIR_UNWRITABLE:
    'The data directory cannot be written. Correct its owner or mode, or choose another with --data-dir.',
  STORE_DAMAGED:
    'The rules database is damaged. Restore a backup. Otherwise move the database away, save the last good rules with `binnacle export --data-dir`, start without rules, and restore them with `binnacle import`. The message contains the commands.',
  STORE_UNAVAILABLE:
    'The rules store rejected the write (the disk is full, or its thread died), or cannot be opened. The message has the remedy, and whether anything may have been stored.',
  SNAPSHOT_DAMAGED:
    'A snapshot on disk failed its checksum or has another format. A shard snapshot is ignored: the adapter must sync. For rules, use an older copy of the file or a backup of the database.',
  SERVER_UNREACHABLE:
    'No Binnacle server answers at this address. Start the server, or select another one with --server, BINNACLE_SERVER or a context.',
  SERVER_FAILED: 'The server failed to handle the request. Try again; its log has the details.',
  REQUEST_REFUSED:
    'The server rejected the request: an object is invalid, missing or changed meanwhile, or you lack the permission. The message has the reason. Correct it, or ask for the role, and try again.',
  DOCUMENT_INVALID:
    'A document is not YAML or JSON of rules. The message names file, document, line and column. Nothing was sent.',
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
