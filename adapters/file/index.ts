import { z } from 'zod';
import {
  type Adapter,
  type AdapterContext,
  defineAdapter,
  type ShardSink,
} from '../../src/adapter-contract/adapter.ts';
import { debounce } from '../../src/lib/debounce.ts';
import { listDirectory, type ReadFile, readFiles } from './directory.ts';
import type { Mistake } from './documents.ts';
import { createMesh, listing, type Mesh } from './mesh.ts';
import { watchFolders } from './watch.ts';

const config = z.strictObject({
  path: z
    .string()
    .min(1)
    .meta({ form: 'path', flag: 'mesh-dir' })
    .describe('directory of YAML and JSON files, relative to the working directory'),
  rescanSeconds: z
    .number()
    .positive()
    .default(30)
    .meta({ form: 'seconds' })
    .describe('interval of complete rescans, in case the system lost an event'),
});

export type FileConfig = z.infer<typeof config>;

/** Delay after an event, so that a writer can finish. */
const quietMs = 25;
const maxWaitMs = 1_000;
/** Delay before a missing directory or an emptied file is read again. */
const retryMs = 1_000;

/** Directory of YAML and JSON files with rules and Kubernetes objects. */
export const file = defineAdapter<FileConfig>({
  kind: 'file',
  config,
  create: (settings, context) => createFileAdapter(settings, context),
});

function createFileAdapter({ path, rescanSeconds }: FileConfig, { clock, log, domainSuffix }: AdapterContext): Adapter {
  async function run(sink: ShardSink, signal: AbortSignal): Promise<void> {
    let files = new Map<string, ReadFile>();
    let mesh: Mesh | null = null;
    let reported: readonly Mistake[] = [];
    let wake: () => void = () => {};
    let isDue = true;

    const scanSoon = debounce(() => scanAgain(), { clock, quietMs, maxMs: maxWaitMs });
    const scanAgain = () => {
      isDue = true;
      wake();
    };
    const watching = watchFolders(() => scanSoon.touch());
    signal.addEventListener('abort', scanAgain);

    async function scan(): Promise<number> {
      try {
        const found = await listDirectory(path);
        watching.follow(found.folders);
        files = await readFiles(path, found.files, files);
      } catch (cause) {
        return lost(cause);
      }
      publish();
      return [...files.values()].some(({ isSuspect }) => isSuspect) ? retryMs : rescanSeconds * 1_000;
    }

    /** Keeps the last good contents in use, even if the directory was removed. */
    function lost(cause: unknown): number {
      const why = cause instanceof Error ? cause.message : String(cause);
      sink.degraded(`the directory ${path} cannot be read (${why}); create it, or correct the adapter's path`);
      watching.follow([]);
      mesh = null; // changes may have been missed: the next reading is a full listing
      return retryMs;
    }

    function publish(): void {
      const isListing = mesh === null;
      mesh ??= createMesh(domainSuffix);
      const { changes, mistakes } = mesh.update(files);
      if (isListing) {
        sink.replace(listing(changes));
        reported = [];
      } else if (changes.length > 0) sink.apply(changes);
      report(mistakes);
    }

    function report(mistakes: readonly Mistake[]): void {
      const key = ({ origin, message }: Mistake) => `${origin}: ${message}`;
      const before = new Set(reported.map(key));
      const now = new Set(mistakes.map(key));
      const touched = new Set(reported.filter((mistake) => !now.has(key(mistake))).map(({ origin }) => origin));
      for (const origin of touched) sink.resolved(origin);
      for (const mistake of mistakes) {
        if (!before.has(key(mistake))) log.warn({ origin: mistake.origin, reason: mistake.message }, 'entry left out');
        if (!before.has(key(mistake)) || touched.has(mistake.origin)) sink.problem(mistake.origin, mistake.message);
      }
      reported = mistakes;
    }

    try {
      while (!signal.aborted) {
        isDue = false;
        const cancelRescan = clock.after(await scan(), scanAgain);
        if (!isDue && !signal.aborted) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        cancelRescan();
      }
    } finally {
      signal.removeEventListener('abort', scanAgain);
      scanSoon.cancel();
      watching.close();
    }
  }
  return { run };
}
