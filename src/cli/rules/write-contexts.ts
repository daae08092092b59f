import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Document, parseDocument } from 'yaml';
import { usageError } from '../failure.ts';
import { type Context, type Contexts, fileBehind } from './contexts.ts';

/** Change of the contexts file. Null removes a key; absent keys stay. */
export type ContextsEdit =
  | { readonly type: 'use'; readonly name: string }
  | { readonly type: 'set'; readonly name: string; readonly facts: Partial<Omit<Context, 'name'>> }
  | { readonly type: 'delete'; readonly name: string };

/**
 * Changes the contexts file atomically: other commands see the old or the new file. Only its owner may read it.
 * Comments and unknown keys stay.
 */
export async function writeContexts(contexts: Contexts, edit: ContextsEdit): Promise<void> {
  const path = await fileBehind(contexts.path);
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(editedText(contexts, edit));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {}); // the original failure is reported
    throw usageError(`the contexts file ${path} cannot be written: ${error instanceof Error ? error.message : error}`);
  }
}

/** Returns the changed text of the file. */
export function editedText({ text, contexts, current }: Contexts, edit: ContextsEdit): string {
  const document = text === null || text.trim() === '' ? new Document({ contexts: [] }) : parseDocument(text);
  const index = contexts.findIndex(({ name }) => name === edit.name);
  switch (edit.type) {
    case 'use':
      document.set('current-context', edit.name);
      break;
    case 'delete':
      document.deleteIn(['contexts', index]);
      if (current === edit.name) document.delete('current-context');
      break;
    case 'set': {
      const at = index === -1 ? contexts.length : index;
      if (!document.hasIn(['contexts', 0])) document.set('contexts', document.createNode([]));
      if (index === -1) document.addIn(['contexts'], document.createNode({ name: edit.name }));
      for (const [key, value] of Object.entries(edit.facts)) {
        if (value === null) document.deleteIn(['contexts', at, key]);
        else document.setIn(['contexts', at, key], value);
      }
      if (current === null) document.set('current-context', edit.name);
      break;
    }
  }
  return document.toString();
}
