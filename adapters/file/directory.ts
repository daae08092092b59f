import type { Dirent, Stats } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { isMissing } from '../../src/lib/missing-file.ts';
import { type Mistake, type ParsedFile, parseFile } from './documents.ts';

const maxFileBytes = 64 * 1_048_576;
const extensions = ['.yaml', '.yml', '.json'];

/** File as last read. An unchanged file keeps its identity from one reading to the next. */
export interface ReadFile {
  /** Path relative to the directory, with `/`. */
  readonly name: string;
  /** Stamp that changes with each write of the file. */
  readonly stamp: string;
  readonly parsed: ParsedFile;
  /** True for a file that had contents and is empty now: it may be being written. */
  readonly isSuspect: boolean;
}

/** Contents of a directory. */
export interface Listing {
  /** Files in order, relative to the directory, with `/`. */
  readonly files: readonly string[];
  /** Absolute paths, the directory itself first. */
  readonly folders: readonly string[];
}

/** Lists the files to read. Rejects with the error of `node:fs` if the directory is unreadable. */
export async function listDirectory(root: string): Promise<Listing> {
  const folders: string[] = [];
  const files = await listFiles(root, root, folders);
  return { files: files.sort(), folders };
}

/** Reads the files that changed since `known` and reuses the rest. Returns all of `names` that still exist. */
export async function readFiles(
  root: string,
  names: readonly string[],
  known: ReadonlyMap<string, ReadFile>,
): Promise<Map<string, ReadFile>> {
  const files = new Map<string, ReadFile>();
  for (const name of names) {
    const file = await readOne(root, name, known.get(name));
    if (file !== null) files.set(name, file);
  }
  return files;
}

/** Lists files, without hidden ones: editors and mounted ConfigMaps (`..data`) use these internally. */
async function listFiles(root: string, folder: string, folders: string[]): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  folders.push(folder);
  const visible = entries.filter(({ name }) => !name.startsWith('.'));
  const lists = await Promise.all(visible.map((entry) => filesOf(root, join(folder, entry.name), { entry, folders })));
  return lists.flat();
}

interface FoundEntry {
  readonly entry: Dirent;
  readonly folders: string[];
}

async function filesOf(root: string, path: string, { entry, folders }: FoundEntry): Promise<string[]> {
  const isFolder = entry.isSymbolicLink() ? ((await statOf(path))?.isDirectory() ?? false) : entry.isDirectory();
  if (!isFolder)
    return extensions.some((end) => path.endsWith(end)) ? [relative(root, path).replaceAll('\\', '/')] : [];
  try {
    return await listFiles(root, path, folders);
  } catch (cause) {
    if (isMissing(cause)) return []; // removed while being read
    throw cause;
  }
}

/** Reads a file; null if it no longer exists. */
async function readOne(root: string, name: string, known: ReadFile | undefined): Promise<ReadFile | null> {
  const path = join(root, name);
  const found = await statOf(path);
  if (found === null || found.isDirectory()) return null;
  const stamp = `${found.ino}/${found.size}/${found.mtimeMs}/${found.ctimeMs}`;
  if (known?.stamp === stamp && !known.isSuspect) return known;
  if (found.size === 0 && known !== undefined && known.parsed.objects.length > 0 && !known.isSuspect) {
    const mistakes = [{ origin: name, message: 'is empty; its last contents stay for a second' }];
    return { name, stamp, parsed: { ...known.parsed, mistakes }, isSuspect: true };
  }
  if (found.size > maxFileBytes) return unread(name, stamp, known, 'the file is larger than 64 MiB; split it');
  try {
    const parsed = await parseFile(name, await readFile(path, 'utf8'));
    return { name, stamp, parsed: known === undefined ? parsed : keepLastGood(parsed, known.parsed), isSuspect: false };
  } catch (cause) {
    if (isMissing(cause)) return null;
    const why = cause instanceof Error ? cause.message : String(cause);
    return unread(name, '', known, `the file cannot be read (${why}); its last good contents stay`);
  }
}

/** Marks a file as unread with an empty stamp, so that the next reading retries it. */
function unread(name: string, stamp: string, known: ReadFile | undefined, message: string): ReadFile {
  const mistakes: readonly Mistake[] = [{ origin: name, message }];
  return { name, stamp, parsed: { objects: known?.parsed.objects ?? [], mistakes, isBroken: true }, isSuspect: false };
}

/** Keeps earlier objects that a broken text lacks, because it is unknown whether they were removed on purpose. */
function keepLastGood(parsed: ParsedFile, before: ParsedFile): ParsedFile {
  if (!parsed.isBroken) return parsed;
  const idOf = (object: ParsedFile['objects'][number]) =>
    `${object.apiVersion}/${object.kind}/${object.metadata.namespace}/${object.metadata.name}`;
  const present = new Set(parsed.objects.map(idOf));
  return { ...parsed, objects: [...parsed.objects, ...before.objects.filter((object) => !present.has(idOf(object)))] };
}

/** Returns the stats of a path, following symbolic links; null if it does not exist. */
const statOf = (path: string): Promise<Stats | null> =>
  stat(path).catch((cause: unknown) => {
    if (isMissing(cause)) return null;
    throw cause;
  });
