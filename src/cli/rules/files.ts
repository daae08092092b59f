import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandContext } from '../command.ts';
import { DetailedError, usageError } from '../failure.ts';

/** Text of a file or of standard input. */
export interface SourceText {
  /** Name that the user gave; `standard input` for `-`. */
  readonly name: string;
  readonly text: string;
}

export interface FileOptions {
  /** Files, directories or `-`. */
  readonly names: readonly string[];
  /** Includes subdirectories. */
  readonly recursive: boolean;
  readonly input: CommandContext['input'];
}

/** Reads the arguments of `-f`; files of a directory are in the order of their names. Rejects if one cannot be read. */
export async function readSources({ names, recursive, input }: FileOptions): Promise<readonly SourceText[]> {
  if (names.filter((name) => name === '-').length > 1) throw usageError('standard input (-f -) can be read only once');
  const sources: SourceText[] = [];
  for (const name of names) {
    if (name === '-') sources.push({ name: 'standard input', text: decode(await readInput(input), 'standard input') });
    else for (const path of await filesOf(name, recursive)) sources.push({ name: path, text: await readText(path) });
  }
  return sources;
}

async function filesOf(name: string, recursive: boolean): Promise<readonly string[]> {
  const facts = await stat(name).catch((error: NodeJS.ErrnoException) => {
    throw unreadable(name, error);
  });
  if (!facts.isDirectory()) return [name];
  const files = await filesIn(name, recursive);
  if (files.length > 0) return files;
  throw usageError(
    `there are no .yaml, .yml or .json files in ${name}${recursive ? '' : ' itself (-R: also below it)'}`,
  );
}

async function filesIn(directory: string, recursive: boolean): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    throw unreadable(directory, error);
  });
  const files: string[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(directory, entry.name);
    // Links to directories are not followed: they may form cycles.
    if (entry.isDirectory()) files.push(...(recursive ? await filesIn(path, recursive) : []));
    else if (/\.(ya?ml|json)$/i.test(entry.name)) files.push(path);
  }
  return files;
}

async function readText(path: string): Promise<string> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw unreadable(path, error);
  });
  return decode(bytes, path);
}

async function readInput(input: CommandContext['input']): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of input) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function decode(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new DetailedError('DOCUMENT_INVALID', `${name} is not UTF-8 text; nothing was sent`, []);
  }
}

function unreadable(path: string, error: NodeJS.ErrnoException): Error {
  if (error.code === 'ENOENT') return usageError(`${path} does not exist`);
  return usageError(`${path} cannot be read: ${error.message}`);
}
