import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readRulesSnapshot } from '../../store/sqlite/snapshot.ts';
import { usageError } from '../failure.ts';
import { documentText } from './output.ts';

/**
 * Reads the last good rules from a data directory or a snapshot file. Returns them in parts, in the format of a
 * server's export. Rejects if there are none, and with SNAPSHOT_DAMAGED if they cannot be read.
 */
export async function snapshotText(place: string, format: 'yaml' | 'json'): Promise<readonly string[]> {
  const isFile = await stat(place).then(
    (facts) => facts.isFile(),
    () => false, // a missing file is reported below
  );
  const path = isFile ? place : join(place, 'rules.snapshot.json');
  const snapshot = await readRulesSnapshot(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EACCES') throw usageError(`${path} cannot be read: ${error.message}`);
    throw error;
  });
  if (snapshot === null) throw usageError(`there is no ${path}: is ${place} the data directory of a server?`);
  const objects = snapshot.objects.map(exported);
  if (format === 'json') return [await documentText({ apiVersion: 'v1', kind: 'List', items: objects }, 'json')];
  const parts: string[] = [];
  for (const object of objects) parts.push(`${parts.length === 0 ? '' : '---\n'}${await documentText(object, 'yaml')}`);
  return parts;
}

/** Converts an object as the API shows it: cluster-scoped objects have no namespace. */
function exported({ apiVersion, kind, metadata, spec }: ExportedObject): object {
  const { namespace, ...others } = metadata;
  return { apiVersion, kind, metadata: namespace === '' ? others : metadata, spec };
}

interface ExportedObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly namespace: string };
  readonly spec: unknown;
}
