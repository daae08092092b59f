import { type FSWatcher, watch } from 'node:fs';

/**
 * Reports that something changed in folders; readers then find out the details. A lost event delays a change until the
 * next rescan, but never loses it.
 */
export interface FolderWatch {
  /**
   * Watches exactly these folders. A folder that was not watched before is reported as changed, because something may
   * have changed since its listing. Throws Node's error if the first folder cannot be watched.
   */
  follow(folders: readonly string[]): void;
  close(): void;
}

/**
 * Creates one watch per folder, not per file: editors and mounted ConfigMaps replace files by renaming, which is an
 * event of the folder.
 */
export function watchFolders(changed: () => void): FolderWatch {
  const watchers = new Map<string, FSWatcher>();

  const stop = (folder: string) => {
    watchers.get(folder)?.close();
    watchers.delete(folder);
  };
  const start = (folder: string) => {
    const watcher = watch(folder, { persistent: false }, changed);
    watchers.set(folder, watcher);
    // Removing a folder ends its watch; reading its parent shows the effect.
    watcher.on('error', () => {
      stop(folder);
      changed();
    });
  };
  return {
    follow(folders) {
      for (const folder of watchers.keys()) if (!folders.includes(folder)) stop(folder);
      for (const [index, folder] of folders.entries()) {
        if (watchers.has(folder)) continue;
        try {
          start(folder);
          changed();
        } catch (error) {
          if (index === 0) throw error; // a subfolder may have been removed
        }
      }
    },
    close() {
      for (const folder of [...watchers.keys()]) stop(folder);
    },
  };
}
