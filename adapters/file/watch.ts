import { type FSWatcher, watch } from 'node:fs';

/**
 * Tells that something happened in folders; what, is found out by reading them. A lost event costs the time until the
 * next rescan, never truth.
 */
export interface FolderWatch {
  /**
   * Watches exactly these folders from now on. A folder that was not watched before counts as changed: something may
   * have happened in it between its listing and now. Throws Node's error when the first of them cannot be watched.
   */
  follow(folders: readonly string[]): void;
  close(): void;
}

/**
 * One watch per folder, not per file: replacing a file by renaming, as editors and mounted ConfigMaps do, is an event of
 * its folder whatever happened to the file just before.
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
    // A folder that goes away ends its watch; reading its parent tells what that means.
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
          if (index === 0) throw error; // a folder below it may be gone again by now
        }
      }
    },
    close() {
      for (const folder of [...watchers.keys()]) stop(folder);
    },
  };
}
