import { dirname } from 'node:path';
import type { Failure } from './messages.ts';
import { DamagedError, NewerFormatError } from './tables.ts';

// https://www.sqlite.org/rescode.html
const sqlite = { busy: 5, readOnly: 8, corrupt: 11, full: 13, cannotOpen: 14, notADatabase: 26 };

/** Translates SQLite's error into a message that says what an operator can do. */
export function describeFailure(error: unknown, path: string): Failure {
  const text = error instanceof Error ? error.message : String(error);
  const code = primaryCode(error);
  if (error instanceof DamagedError || code === sqlite.corrupt || code === sqlite.notADatabase) {
    return { code: 'STORE_DAMAGED', message: `the rules database ${path} is damaged (${text}): ${cureOfDamage(path)}` };
  }
  if (error instanceof NewerFormatError) {
    const cure = 'start the newer version again, or restore a backup that was made before the upgrade';
    return {
      code: 'STORE_UNAVAILABLE',
      message: `the rules database ${path} is of a newer version of binnacle (${text}): ${cure}`,
    };
  }
  switch (code) {
    case sqlite.busy: {
      const message = `the rules database ${path} is in use by another process: stop that one, or use another --data-dir`;
      return { code: 'STORE_UNAVAILABLE', message };
    }
    case sqlite.full: {
      const message = `the rules database ${path} cannot grow (${text}): nothing was stored; make room and try again`;
      return { code: 'STORE_UNAVAILABLE', message };
    }
    case sqlite.readOnly:
    case sqlite.cannotOpen: {
      const message = `the rules database ${path} cannot be opened for writing (${text}): correct the directory's owner or mode, or choose another with --data-dir`;
      return { code: 'DATA_DIR_UNWRITABLE', message };
    }
    default:
      return { code: 'STORE_UNAVAILABLE', message: `the rules database ${path} cannot be used: ${text}` };
  }
}

const cureOfDamage = (path: string): string =>
  `restore it from a backup, or move it away (mv ${path} ${path}.damaged; rm -f ${path}-wal), ` +
  `save the last good rules (binnacle export --data-dir ${dirname(path)} > rules.yaml), start again with no rules, ` +
  'and write them (binnacle import -f rules.yaml)';

/** Returns SQLite's result code without its extension, or null for an error of another source. */
function primaryCode(error: unknown): number | null {
  const isSqlite = error instanceof Error && 'errcode' in error && typeof error.errcode === 'number';
  return isSqlite ? (error.errcode as number) & 0xff : null; // checked on the line above
}
