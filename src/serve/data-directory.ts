import { access, constants, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MeshError } from '../lib/errors.ts';

/** Files and folders of the data directory, which outlive the process. */
export interface DataPaths {
  readonly shards: string;
  readonly rejectedParts: string;
  readonly knownProxies: string;
}

export const dataPaths = (directory: string): DataPaths => ({
  shards: join(directory, 'shards'),
  rejectedParts: join(directory, 'rejected-parts.json'),
  knownProxies: join(directory, 'known-proxies.json'),
});

/** Creates the data directory. Rejects with DATA_DIR_UNWRITABLE. */
export async function makeDataDirectory(directory: string): Promise<void> {
  try {
    for (const path of [directory, dataPaths(directory).shards]) {
      await mkdir(path, { recursive: true });
      await access(path, constants.W_OK);
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const cure = 'correct its owner or mode, or choose another with --data-dir';
    throw new MeshError('DATA_DIR_UNWRITABLE', `the data directory ${directory} cannot be written (${why}): ${cure}`, {
      cause,
    });
  }
}
