import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Logger } from '../../src/lib/logger.ts';

/**
 * Names of the clusters that Secrets defined. With them a start finds the snapshots of these clusters, while the API
 * server that has the Secrets is away. Credentials are not written.
 */
export interface RememberedClusters {
  /** Reads the names of the earlier run; none if there are none. */
  load(): Promise<readonly string[]>;
  /** Writes the names in the background. */
  save(clusterIds: readonly string[]): void;
  /** Resolves when everything is written. */
  written(): Promise<void>;
}

const fileSchema = z.object({ clusters: z.array(z.string()) });

export function rememberedClusters(directory: string, log: Logger): RememberedClusters {
  const path = join(directory, 'clusters.json');
  let saved = '';
  let writing: Promise<void> = Promise.resolve();

  async function write(text: string): Promise<void> {
    try {
      await mkdir(directory, { recursive: true });
      await writeFile(`${path}.new`, text);
      await rename(`${path}.new`, path);
    } catch (cause) {
      saved = '';
      log.warn({ path, err: cause }, 'names of clusters not written');
    }
  }

  return {
    async load() {
      const text = await readFile(path, 'utf8').catch(() => '');
      try {
        return fileSchema.parse(JSON.parse(text)).clusters;
      } catch {
        return [];
      }
    },
    save(clusterIds) {
      const text = JSON.stringify({ clusters: clusterIds });
      if (text === saved) return;
      saved = text;
      writing = writing.then(() => write(text));
    },
    written: () => writing,
  };
}
