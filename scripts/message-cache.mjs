// Generated messages of this machine's checkouts, by what they were generated from: a second clone copies them. In the user's cache
// folder, beside the programs of the tests (test/support/parts.ts). Plain JavaScript: it runs before anything is built.
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
/** An entry that nobody took for so long is removed; so is what a killed process left behind. */
const unusedAfterMs = 90 * 86_400_000;

/**
 * Puts the messages that were generated from `key` into the folder `into`, whatever was there. False when they are not in the cache, or
 * not whole there: they must be generated, and `keepMessages` puts them in place of the broken ones.
 */
export function takeMessages(key, into) {
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
 * Keeps what the folder `from` holds. An entry is whole or not there, also while other processes keep and take the same. Throws when it
 * cannot be written.
 */
export function keepMessages(key, from) {
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

/** A folder takes the place only of none: the one that is there, which was found broken, is moved away first. */
function replace(fresh, entry) {
  const old = `${fresh}-old`;
  if (existsSync(entry)) renameSync(entry, old);
  try {
    renameSync(fresh, entry);
  } catch (error) {
    if (!existsSync(entry)) throw error; // else another process was faster, and its entry is as good
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
    // a cache that may only be read
  }
}

/** Of all names and contents. */
function checksumOf(folder) {
  const hash = createHash('sha256');
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const path of files.map((entry) => join(entry.parentPath ?? entry.path, entry.name)).sort()) {
    const contents = readFileSync(path);
    hash.update(`${relative(folder, path)}\0${contents.length}\0`).update(contents);
  }
  return hash.digest('hex');
}
