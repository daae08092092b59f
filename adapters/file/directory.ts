import type { Dirent, Stats } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { isMissing } from '../../src/lib/missing-file.ts';
import { type Mistake, type ParsedFile, parseFile } from './documents.ts';

const maxFileBytes = 64 * 1_048_576;
const extensions = ['.yaml', '.yml', '.json'];

/** One file as it was last read. An unchanged file keeps its identity from one reading to the next. */
export interface ReadFile {
  /** Relative to the directory, with `/`. */
  readonly name: string;
  /** Equal while the file has not been written. */
  readonly stamp: string;
  readonly parsed: ParsedFile;
  /** The file was found empty after it had contents: a writer may be at work. */
  readonly isSuspect: boolean;
}

/** What a directory holds. */
export interface Listing {
  /** Relative to the directory, with `/`, in order. */
  readonly files: readonly string[];
  /** Absolute, the directory itself first. */
  readonly folders: readonly string[];
}

/** Finds the files that count. Rejects with the error of `node:fs` when the directory itself cannot be read. */
export async function listDirectory(root: string): Promise<Listing> {
  const folders: string[] = [];
  const files = await listFiles(root, root, folders);
  return { files: files.sort(), folders };
}

/** Reads what changed since `known` and keeps the rest: the result is all of `names`, but for those gone by now. */
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

/** Hidden files and folders are passed over: editors and mounted ConfigMaps (`..data`) keep their own affairs there. */
async function listFiles(root: string, folder: string, folders: string[]): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  folders.push(folder);
  const visible = entries.filter(({ name }) => !name.startsWith('.'));
  const lists = await Promise.all(visible.map((entry) => filesOf(root, join(folder, entry.name), { entry, folders })));
  return lists.flat();
}

interface Found {
  readonly entry: Dirent;
  readonly folders: string[];
}

async function filesOf(root: string, path: string, { entry, folders }: Found): Promise<string[]> {
  const isFolder = entry.isSymbolicLink() ? ((await statOf(path))?.isDirectory() ?? false) : entry.isDirectory();
  if (!isFolder)
    return extensions.some((end) => path.endsWith(end)) ? [relative(root, path).replaceAll('\\', '/')] : [];
  try {
    return await listFiles(root, path, folders);
  } catch (cause) {
    if (isMissing(cause)) return []; // removed while it was read
    throw cause;
  }
}

/** Null for a file that is gone by now. */
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

/** An empty stamp makes the next reading try again. */
function unread(name: string, stamp: string, known: ReadFile | undefined, message: string): ReadFile {
  const mistakes: readonly Mistake[] = [{ origin: name, message }];
  return { name, stamp, parsed: { objects: known?.parsed.objects ?? [], mistakes, isBroken: true }, isSuspect: false };
}

/** In a broken text nobody can say what was meant to be gone: what it had before and is not in it now stays. */
function keepLastGood(parsed: ParsedFile, before: ParsedFile): ParsedFile {
  if (!parsed.isBroken) return parsed;
  const idOf = (object: ParsedFile['objects'][number]) =>
    `${object.apiVersion}/${object.kind}/${object.metadata.namespace}/${object.metadata.name}`;
  const present = new Set(parsed.objects.map(idOf));
  return { ...parsed, objects: [...parsed.objects, ...before.objects.filter((object) => !present.has(idOf(object)))] };
}

/** Follows symbolic links; null for what is gone or leads nowhere. */
const statOf = (path: string): Promise<Stats | null> =>
  stat(path).catch((cause: unknown) => {
    if (isMissing(cause)) return null;
    throw cause;
  });
