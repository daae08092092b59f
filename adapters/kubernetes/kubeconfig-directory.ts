import { type FSWatcher, watch } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseKubeconfig } from '../../src/kubernetes/kubeconfig.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { DefinedCluster } from './cluster-set.ts';
import { isClusterName } from './config.ts';
import type { EntryProblems } from './entry-problems.ts';

export interface DirectoryOptions {
  readonly directory: string;
  readonly clock: Clock;
  readonly problems: EntryProblems;
  /** Receives the clusters of all files that can be read. A file that is wrong keeps what it last defined. */
  readonly changed: (clusters: readonly DefinedCluster[]) => void;
}

/** Kubeconfig as last read. */
interface KubeconfigFile {
  readonly text: string;
  readonly defined: DefinedCluster | null;
}

/** Interval of readings, for changes that are not notified. */
const rereadMs = 5_000;

/**
 * Follows the files of a directory until `signal` aborts. A file is named like its cluster, with or without the ending
 * `.yaml`, `.yml`, `.conf` or `.kubeconfig`; those that begin with a dot are left out. `first` resolves once the
 * directory was read for the first time.
 */
export function followDirectory(
  options: DirectoryOptions,
  signal: AbortSignal,
): { first: Promise<void>; ended: Promise<void> } {
  const { directory, clock, problems, changed } = options;
  let files: ReadonlyMap<string, KubeconfigFile> = new Map();
  let watcher: FSWatcher | null = null;
  let wake = () => {};
  let isDirty = false;

  const touched = () => {
    isDirty = true;
    wake();
  };

  function watchDirectory(): void {
    if (watcher !== null) return;
    watcher = watch(directory, { persistent: false }, touched);
    watcher.on('error', () => {
      watcher?.close();
      watcher = null;
    });
  }

  async function read(): Promise<void> {
    let names: readonly string[];
    try {
      watchDirectory();
      names = (await readdir(directory)).filter((name) => !name.startsWith('.')).sort();
      problems.report(directory, null);
    } catch (cause) {
      watcher?.close();
      watcher = null;
      // A directory that cannot be read says nothing about clusters: the known ones stay.
      problems.report(directory, `the kubeconfigs cannot be read: ${cause instanceof Error ? cause.message : cause}`);
      return;
    }
    const next = new Map<string, KubeconfigFile>();
    for (const name of names) next.set(name, await readOne(name));
    for (const name of files.keys()) if (!next.has(name)) problems.report(join(directory, name), null);
    const isChanged = next.size !== files.size || [...next].some(([name, file]) => files.get(name) !== file);
    files = next;
    if (isChanged) changed([...files.values()].flatMap(({ defined }) => defined ?? []));
  }

  async function readOne(name: string): Promise<KubeconfigFile> {
    const known = files.get(name);
    const path = join(directory, name);
    const wrong = (message: string, text: string): KubeconfigFile => {
      problems.report(path, message);
      return { text, defined: known?.defined ?? null };
    };
    try {
      const text = await readFile(path, 'utf8');
      if (text === known?.text) return known;
      const clusterId = clusterIdOf(name);
      if (!isClusterName(clusterId)) return wrong(`'${clusterId}' is no name of a cluster`, text);
      const access = parseKubeconfig(text, { directory });
      if (!access.ok) return wrong(access.error, text);
      problems.report(path, null);
      return { text, defined: { clusterId, origin: path, entry: { clusterId, access: async () => access.value } } };
    } catch (cause) {
      return wrong(`cannot be read: ${cause instanceof Error ? cause.message : cause}`, '');
    }
  }

  async function keepReading(): Promise<void> {
    signal.addEventListener('abort', () => wake(), { once: true });
    while (!signal.aborted) {
      await pause();
      if (!signal.aborted) await read();
    }
    watcher?.close();
  }

  /** Resolves when something changed, or after the interval. */
  async function pause(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = clock.after(rereadMs, resolve);
    wake = resolve;
    if (isDirty) resolve();
    if (signal.aborted) resolve();
    await promise;
    isDirty = false;
    cancel();
  }

  const first = read();
  return { first, ended: first.then(keepReading) };
}

const clusterIdOf = (name: string): string => name.replace(/\.(yaml|yml|conf|kubeconfig)$/, '');
