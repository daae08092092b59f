// Cache of generated messages in the user's cache folder, by their inputs, shared by all checkouts of this machine. It is
// plain JavaScript, because it runs before the build.
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join, relative } from 'node:path';

const cacheFolder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'binnacle');
const entryOf = (key) => join(cacheFolder, `messages-${key.slice(0, 32)}`);
/** Age from which unused entries, and files of killed processes, are removed. */
const unusedAfterMs = 90 * 86_400_000;

/**
 * Copies the messages generated from `key` into the folder `into` and replaces its contents. Returns false if the cache
 * lacks them or has them incomplete. They must then be generated, and `storeMessages` stores them.
 */
export function restoreMessages(key, into) {
  const entry = entryOf(key);
  const copy = `${into}.${process.pid}`;
  try {
    cpSync(join(entry, 'gen'), copy, { recursive: true });
    if (checksumOf(copy) !== readFileSync(join(entry, 'checksum'), 'utf8'))
      throw new Error('the checksum does not match');
    rmSync(into, { recursive: true, force: true });
    renameSync(copy, into);
    touch(entry);
    return true;
  } catch {
    rmSync(copy, { recursive: true, force: true });
    return false;
  }
}

/**
 * Stores the contents of the folder `from`. An entry is complete or absent, even if other processes read and write the
 * same one. Throws if it cannot be written.
 */
export function storeMessages(key, from) {
  mkdirSync(cacheFolder, { recursive: true });
  const fresh = mkdtempSync(join(cacheFolder, '.messages-'));
  try {
    cpSync(from, join(fresh, 'gen'), { recursive: true });
    writeFileSync(join(fresh, 'checksum'), checksumOf(join(fresh, 'gen')));
    replace(fresh, entryOf(key));
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  removeUnused();
}

/** Moves an existing, damaged entry away first, because a rename cannot replace a folder. */
function replace(fresh, entry) {
  const old = `${fresh}-old`;
  if (existsSync(entry)) renameSync(entry, old);
  try {
    renameSync(fresh, entry);
  } catch (error) {
    if (!existsSync(entry)) throw error; // another process stored an equal entry first
  } finally {
    rmSync(old, { recursive: true, force: true });
  }
}

function removeUnused() {
  for (const name of readdirSync(cacheFolder)) {
    const path = join(cacheFolder, name);
    if (!/^\.?messages-/.test(name)) continue;
    try {
      if (Date.now() - statSync(path).mtimeMs > unusedAfterMs) rmSync(path, { recursive: true, force: true });
    } catch {
      // another process removed it
    }
  }
}

function touch(path) {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // the cache may be read-only
  }
}

/** Returns the hash of all names and contents. */
function checksumOf(folder) {
  const hash = createHash('sha256');
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const path of files.map((entry) => join(entry.parentPath ?? entry.path, entry.name)).sort()) {
    const contents = readFileSync(path);
    hash.update(`${relative(folder, path)}\0${contents.length}\0`).update(contents);
  }
  return hash.digest('hex');
}
